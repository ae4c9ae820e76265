"""Service types that come with Hanse: those of GOCDB's deployment, and those that Hanse's own profiles name."""

from __future__ import annotations

SERVICE_TYPES = frozenset(
    """
    AMGA APEL ARC-CE CE CREAM-CE CUSTOM.RequestTracker CUSTOM.UserPortal CUSTOM.ch.cern.frontier.FroNTier
    CUSTOM.pl.plgrid.BAT.agent CUSTOM.pl.plgrid.Bazaar CUSTOM.pl.plgrid.BazaarSAT CUSTOM.pl.plgrid.KeyFS
    CUSTOM.pl.plgrid.QStorMan.UserInterface CUSTOM_SERVICE Central-LFC Classic-SE FTM FTS GRAM5 LB Local-LFC MON MyProxy
    OpsTool QCG.Broker QCG.Computing QCG.Notification RB RGMA-IC SGAS SRM SRMv2 Site-BDII Top-BDII UI VO-box VOMS WMS
    XRootD XRootD.Redirector ch.cern.cvmfs.stratum.0 ch.cern.cvmfs.stratum.1 com.adaptivecomputing.TorqueClient
    dg.ARC-CE dg.CREAM-CE dg.TargetSystemFactory egi.APELRepository egi.AccountingPortal egi.AppDB egi.CRM egi.GGUS
    egi.GOCDB egi.GRIDVIEW egi.GSTAT egi.MSGBroker egi.MetricsPortal egi.NetworkPortal egi.OpsPortal egi.Portal egi.SAM
    egi.TMP egi.VODashboard emi.ARGUS eu.egi.MPI eu.egi.cloud.accounting eu.egi.cloud.information.bdii
    eu.egi.cloud.storage-management.cdmi eu.egi.cloud.storage-management.oneprovider eu.egi.cloud.vm-management.occi
    eu.egi.cloud.vm-metadata.marketplace eu.egi.storage.accounting gLExec gLite-APEL gLite-CE globus-GRIDFTP
    globus-GSISSHD globus-RLS net.perfSONAR.Bandwidth net.perfSONAR.Latency ngi.OpsPortal ngi.SAM org.irods.irods3
    org.nordugrid.arex org.ogf.bes.BESFactory org.opensciencegrid.htcondorce org.openstack.nova org.openstack.swift
    org.squid-cache.Squid org.vinetoolkit.VinePortal pl.cyfronet.InSilicoLab pl.cyfronet.gridspace2
    pl.psnc.MigratingDesktop site.SAM uk.ac.gridpp.vac unicore6.Gateway unicore6.Registry unicore6.ServiceOrchestrator
    unicore6.StorageFactory unicore6.StorageManagement unicore6.TargetSystemFactory unicore6.UVOSAssertionQueryService
    unicore6.WorkflowFactory vo.SAM webdav
    """.split()  # noqa: SIM905
)
