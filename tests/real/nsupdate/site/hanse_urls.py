"""The server's own URLs, the calls that EGI's deployment adds to them, and what tests arrange.

EGI's code is not on PyPI. These views give its documented answers out of the real server's tables, and every name goes
through the real server's own update and delete. Only what one of the two owners' tokens may do is decided here.
"""

import json

from django.http import HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from nsupdate.api import views
from nsupdate.main import dnstools
from nsupdate.main.models import Domain, Host
from nsupdate.urls import urlpatterns as own

TOKENS = {"token-of-op": "op", "token-of-other": "other"}


def error(message, status, **more):
    return JsonResponse({"status": "error", "message": message, **more}, status=status)


def owner(request):
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    from django.contrib.auth.models import User

    return User.objects.filter(username=TOKENS.get(token)).first() if scheme == "Bearer" else None


def shown(host):
    fields = ("name", "comment", "available", "client_faults", "server_faults", "abuse", "abuse_blocked")
    said = {field: getattr(host, field) for field in fields}
    return {**said, "fqdn": str(host.get_fqdn()), "domain": host.domain.name, "wildcard": False}


def hosts(request):
    user, domain = owner(request), request.GET.get("domain")
    if user is None:
        return error("badauth", 401)
    if domain and not Domain.objects.filter(name=domain).exists():
        return error(f"Unknown domain: {domain}", 400)
    found = Host.objects.filter(created_by=user, **({"domain__name": domain} if domain else {}))
    listed = [{**shown(host), "ipv4": host.get_ipv4() or None, "ipv6": host.get_ipv6() or None} for host in found]
    return JsonResponse({"status": "ok", "hosts": listed})


def domains(request):
    if owner(request) is None:
        return error("badauth", 401)
    public = [{"name": one.name, "public": True, "available": one.available} for one in Domain.objects.all()]
    return JsonResponse({"status": "ok", "private": [], "public": public})


def register(request):
    user = owner(request)
    if user is None:
        return error("badauth", 401)
    name, _, domain = request.GET["fqdn"].partition(".")
    zone = Domain.objects.filter(name=domain).first()
    if zone is None:
        return error("nxdomain", 400)
    if Host.objects.filter(name=name, domain=zone).exists():
        return error("formerr", 400, errors={"__all__": ["Host with this Name and Domain already exists."]})
    host = Host(name=name, domain=zone, comment=request.GET.get("comment"), created_by=user)
    try:
        dnstools.add(host.get_fqdn(), request.GET["ip"])
    except dnstools.SameIpError:
        return error("Host already exists in DNS.", 502)
    host.save()
    return JsonResponse({"status": "ok", "host": {**shown(host), "update_secret": host.generate_secret()}})


def unregister(request):
    user = owner(request)
    if user is None:
        return error("badauth", 401)
    host = Host.get_by_fqdn(request.GET["fqdn"])
    if host is None:
        return error("nohost", 404)
    if host.created_by != user:
        return error("badauth", 401)
    if host.abuse or host.abuse_blocked:
        return error("abuse", 403)
    host.delete()
    return JsonResponse({"status": "ok", "message": "Host unregistered."})


def by_token(delete):
    """The real view for secrets; with a token, the real update of a host of that owner."""
    real = (views.NicDeleteView if delete else views.NicUpdateView).as_view()

    def view(request):
        user = owner(request)
        if user is None:
            return real(request)
        host = Host.get_by_fqdn(request.GET["hostname"], created_by=user)
        if host is None:
            return HttpResponse("nohost", content_type="text/plain")
        given = request.GET["myip"].split(",")
        results = [views._update_or_delete(host, one, False, logger=views.logger, _delete=delete) for one in given]
        return views._make_response(results)

    return view


@csrf_exempt
def arrange(request):
    """For tests: make a host, or set a field of one; or have the domain's name server out of reach."""
    said = json.loads(request.body)
    name, _, domain = said["fqdn"].partition(".")
    zone = Domain.objects.get(name=domain)
    if "reachable" in said["set"]:
        zone.available = said["set"]["reachable"]
        zone.save()
        return JsonResponse({})
    host, new = Host.objects.get_or_create(name=name, domain=zone, defaults={"created_by": zone.created_by})
    for field, value in said.get("set", {}).items():
        setattr(host, field, value)
    host.save()
    secret = host.generate_secret() if new else ""
    counted = {"client_faults": host.client_faults, "api_auth_faults": host.api_auth_faults}
    return JsonResponse({"secret": secret, **counted})


urlpatterns = [
    path("nic/hosts", hosts),
    path("nic/domains", domains),
    path("nic/register", register),
    path("nic/unregister", unregister),
    path("nic/update", by_token(False)),
    path("nic/delete", by_token(True)),
    path("arrange", arrange),
    *own,
]
