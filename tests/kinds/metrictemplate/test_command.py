"""The command of a metric: what ARGO would run for the same template, service and attributes; and what is run."""

from __future__ import annotations

import pytest

from reconciler.kinds.metrictemplate import (
    DEFAULT_PORTS,
    Config,
    Lacking,
    MetricTemplateSpec,
    Option,
    Place,
    Secret,
    Surroundings,
    command,
)

NOVA = Place("nova.example.org", "NORTH", "org.openstack.nova", "https://nova.example.org:5000/v3")
PLAIN = Place("host.example.org", "NORTH", "ARGO")


def template(probe="check_x", path="/usr/libexec/argo/probes/x", flags=(), attribute=(), parameter=(), timeout=60):
    return MetricTemplateSpec(
        probe=probe,
        config=Config(interval=5, maxCheckAttempts=3, path=path, retryInterval=3, timeout=timeout),
        flags=options(dict.fromkeys(flags, "1")),
        attribute=options(dict(attribute)),
        parameter=options(dict(parameter)),
    )


def options(given):
    return tuple(Option(name=name, value=value) for name, value in given.items())


def line(made, place=PLAIN, **said):
    return command("org.x.Metric", made, place, Surroundings(**said)).line


def tail(made, place=PLAIN, **said):
    """The line after the plugin, -H and -t."""
    begin = f"/usr/libexec/argo/probes/x/check_x -H {place.hostname} -t 60"
    found = line(made, place, **said)
    assert found.startswith(begin)
    return found.removeprefix(begin).strip()


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ((), "/p/check_x -H host.example.org -t 60 -v"),
        (("NOHOSTNAME",), "/p/check_x -t 60 -v"),
        (("NOTIMEOUT",), "/p/check_x -H host.example.org -v"),
        (("NOHOSTNAME", "NOTIMEOUT"), "/p/check_x -v"),
        (("OBSESS", "PNP"), "/p/check_x -H host.example.org -t 60 -v"),
    ],
)
@pytest.mark.parametrize("path", ["/p", "/p/", " /p"])
def test_host_and_time_out_come_first_unless_a_flag_says_no(flags, expected, path):
    assert line(template(path=path, flags=flags, parameter={"-v": ""})) == expected


GLOBAL = {"VONAME": "ops", "ROBOT_CERT": "/r.pem", "ROBOT_KEY": "/r.key", "NAGIOS_HOST_CERT": "/n.pem"}


@pytest.mark.parametrize(
    ("parameter", "attributes", "expected"),
    [
        ({"-p": "443", "--sni": ""}, {}, "-p 443 --sni"),
        ({"--vo": "$_SERVICEVO$"}, GLOBAL, "--vo ops"),
        ({"--vo": "$_SERVICEVO$", "-x": "1"}, {}, "-x 1"),
        ({"--fqan": "/$_SERVICEVO_FQAN$/x"}, {"VONAME": "ops", "VO_FQAN": "ops/Role=l"}, "--fqan /ops/Role=l/x"),
        ({"--fqan": "$_SERVICEVO_FQAN$"}, GLOBAL, "--fqan ops"),
        ({"-a": "$HOSTALIAS$"}, {}, "-a host.example.org"),
        ({"-u": "/rss/$_SERVICESITE_NAME$_Pub.html"}, {}, "-u /rss/NORTH_Pub.html"),
        ({"-q": "'w:a+g:p' -c 4000 -q 'w:b' -c 1"}, {}, "-q 'w:a+g:p' -c 4000 -q 'w:b' -c 1"),
        ({"-u": '"/cvmfsmon/api/v1.0/all"'}, {}, '-u "/cvmfsmon/api/v1.0/all"'),
    ],
)
def test_parameters_are_filled_as_argo_fills_them(parameter, attributes, expected):
    assert tail(template(parameter=parameter), attributes=attributes) == expected


BDII = Place("bdii.example.org", "NORTH", "Site-BDII")
TOP = Place("top.example.org", "NORTH", "Top-BDII")
WEBDAV = Place(
    "dav.example.org",
    "NORTH",
    "webdav",
    "https://dav.example.org/",
    ("https://dav.example.org:2880/vo?a=1&b=2",),
    "/DC=org/CN=dav",
    {"ARGO_WEBDAV_OPS_URL": "https://dav.example.org/ops", "ARGO_WEBDAV_SKIP_DIR_TEST": "1", "BDII_PORT": "3000"},
)
PLAINHTTP = Place("w.example.org", "NORTH", "web", "http://w.example.org/")
BESIDE = Place("se.example.org", "NORTH", "SRM", site_bdii="bdii.example.org")


@pytest.mark.parametrize(
    ("name", "option", "place", "said", "expected"),
    [
        ("NAGIOS_HOST_CERT", "-C", PLAIN, {}, "-C /etc/sensu/certs/hostcert.pem"),
        ("NAGIOS_HOST_CERT", "-C", PLAIN, {"attributes": {"NAGIOS_HOST_CERT": "/n.pem"}}, "-C /n.pem"),
        ("NAGIOS_HOST_CERT", "-C", PLAIN, {"attributes": GLOBAL}, "-C /r.pem"),
        ("NAGIOS_HOST_KEY", "-K", PLAIN, {"attributes": GLOBAL}, "-K /r.key"),
        ("NAGIOS_ACTUAL_HOST_CERT", "-C", PLAIN, {"attributes": GLOBAL}, "-C /n.pem"),
        ("NAGIOS_ACTUAL_HOST_KEY", "-K", PLAIN, {"attributes": GLOBAL}, "-K /etc/sensu/certs/hostkey.pem"),
        ("KEYSTORE", "-k", PLAIN, {}, "-k /etc/sensu/certs/keystore.jks"),
        ("X509_USER_PROXY", "-E", PLAIN, {"attributes": {"X509_USER_PROXY": "/proxy"}}, "-E /proxy"),
        ("X509_USER_PROXY", "-E", PLAIN, {}, ""),
        ("BDII_PORT", "-p", BDII, {}, "-p 2170"),
        ("BDII_PORT", "-p", WEBDAV, {}, "-p 3000"),
        ("BDII_PORT", "-p", WEBDAV, {"attributes": {"BDII_PORT": "1"}}, "-p 1"),
        ("BDII_PORT", "-p", WEBDAV, {"attributes": {"BDII_PORT": "1"}, "overrides": {"BDII_PORT": "2"}}, "-p 2"),
        ("BDII_PORT", "-p", BDII, {"ports": {**DEFAULT_PORTS, "BDII_PORT": "9"}}, "-p 9"),
        ("TOP_BDII", "-b", PLAIN, {"attributes": {"BDII_HOST": "bdii.egi.eu"}}, "-b bdii.egi.eu"),
        ("TOP_BDII", "-b", PLAIN, {}, ""),
        ("SITE_BDII", "--ldap", BESIDE, {}, "--ldap bdii.example.org"),
        ("SITE_BDII", "--ldap", PLAIN, {}, ""),
        ("SSL", "-S", NOVA, {}, "-S --sni"),
        ("SSL", "-S", PLAINHTTP, {}, ""),
        ("PATH", "-u", NOVA, {}, "-u /v3"),
        ("PATH", "-u", PLAIN, {}, ""),
        ("PORT", "-p", NOVA, {}, "-p 5000"),
        ("PORT", "-p", PLAINHTTP, {}, ""),
        ("URL", "-u", WEBDAV, {}, '-u "https://dav.example.org:2880/vo?a=1&b=2"'),
        ("URL", "-u", NOVA, {}, "-u https://nova.example.org:5000/v3"),
        ("ARGO_GOCDB_SERVICE_URL", "-u", WEBDAV, {}, "-u https://dav.example.org/"),
        ("SITENAME", "-s", PLAIN, {}, "-s NORTH"),
        ("HOSTDN", "-d", WEBDAV, {}, "-d /DC=org/CN=dav"),
        ("BDII_DN", "-b", TOP, {}, "-b Mds-Vo-Name=local,O=Grid"),
        ("BDII_DN", "-b", BDII, {}, "-b Mds-Vo-Name=NORTH,O=Grid"),
        ("GLUE2_BDII_DN", "-b", BDII, {}, "-b GLUE2DomainID=NORTH,o=glue"),
        ("ARGO_WEBDAV_OPS_URL", "-u", WEBDAV, {}, "-u https://dav.example.org/ops"),
        ("ARGO_WEBDAV_OPS_URL", "-u", NOVA, {}, ""),
        ("ARGO_WEBDAV_SKIP_DIR_TEST", "--skip-dir-test", WEBDAV, {}, "--skip-dir-test"),
        ("ARGO_WEBDAV_SKIP_DIR_TEST", "--skip-dir-test", NOVA, {}, ""),
        ("webdav_URL", "-u", NOVA, {}, "-u https://nova.example.org:5000/v3"),
        ("OS_KEYSTONE_PORT", "-p", NOVA, {}, "-p 5000"),
        ("OS_KEYSTONE_PORT", "-p", PLAINHTTP, {}, "-p 443"),
        ("OS_KEYSTONE_HOST", "-k", NOVA, {}, "-k nova.example.org"),
        ("OS_KEYSTONE_URL", "-k", NOVA, {}, "-k https://nova.example.org:5000/v3"),
        ("argo.api_TOKEN", "--token", PLAIN, {}, "--token $ARGO_API_TOKEN"),
        ("EGISSO_PASSWORD", "-a", PLAIN, {}, "-a $EGISSO_PASSWORD"),
        ("EGISSO_PASSWORD", "-a", PLAIN, {"overrides": {"EGISSO_PASSWORD": "$OTHER"}}, "-a $OTHER"),
        ("GRIDPROXY_NAGIOS_SERVICE", "-x", PLAIN, {"overrides": {"GRIDPROXY_NAGIOS_SERVICE": "h"}}, "-x h"),
        ("NOBODY_KNOWS", "-x", PLAIN, {}, ""),
    ],
)
def test_an_attribute_has_the_value_that_argo_gives_it(name, option, place, said, expected):
    assert tail(template(attribute={name: option}), place, **said) == expected


@pytest.mark.parametrize(
    "name", ["URL", "webdav_URL", "ARGO_GOCDB_SERVICE_URL", "HOSTDN", "OS_KEYSTONE_HOST", "BDII_DN"]
)
def test_a_value_that_is_needed_and_that_nobody_says_is_told(name):
    with pytest.raises(Lacking, match=r"has no"):
        line(template(attribute={name: "-x"}))


def test_a_vo_that_nobody_says_is_told():
    with pytest.raises(Lacking, match="VONAME"):
        line(template(parameter={"--fqan": "$_SERVICEVO_FQAN$"}))


def test_a_parameter_of_one_host_takes_the_place_of_the_template_s():
    made = template(parameter={"-u": "/a", "-v": ""}, attribute={"URL": "--url"})
    assert tail(made, NOVA, parameters={"-u": "/$HOSTALIAS$", "--url": "x", "--more": "y"}) == (
        "-u /nova.example.org -v --more y --url x"
    )


def test_a_real_template_reads_as_argo_writes_it():
    made = MetricTemplateSpec(
        probe="web-api",
        config=Config(interval=5, maxCheckAttempts=3, path="/usr/libexec/argo-monitoring/probes/argo", timeout=120),
        attribute=options({"argo.api_TOKEN": "--token"}),
        parameter=options({"--tenant": "EGI", "--rtype": "ar", "--unused-reports": "Cloud Fedcloud", "--day": "1"}),
    )
    made_of = command("argo.API-Check", made, PLAIN, Surroundings())
    assert made_of.line == (
        "/usr/libexec/argo-monitoring/probes/argo/web-api -H host.example.org -t 120 --tenant EGI --rtype ar "
        "--unused-reports Cloud Fedcloud --day 1 --token $ARGO_API_TOKEN"
    )
    assert made_of.arguments[-2:] == ("--token", Secret("ARGO_API_TOKEN"))
    assert isinstance(made_of.arguments[-1], Secret)


# -- what is run -------------------------------------------------------------------------------------------------------


def test_what_a_template_quotes_is_one_argument():
    made = command("x", template(parameter={"-q": "'w:a b' -c 1", "-n": ""}), PLAIN, Surroundings())
    assert made.arguments[4:] == ("-q", "w:a b", "-c", "1", "-n")


@pytest.mark.parametrize("said", ["a b; rm -rf /", "$(id)", "`id`", "a'b", "x && y"])
def test_what_a_service_says_is_one_argument_whatever_stands_in_it(said):
    place = Place("h.example.org", "NORTH", "x", extensions={"WHAT": said})
    made = command("x", template(attribute={"WHAT": "-x"}), place, Surroundings())
    assert made.arguments[4:] == ("-x", said)


def test_what_a_service_says_is_never_taken_for_an_option():
    place = Place("h.example.org", "NORTH", "x", extensions={"WHAT": "--extra-opts=/etc/passwd"})
    with pytest.raises(Lacking, match="dash"):
        command("x", template(attribute={"WHAT": "-x"}), place, Surroundings())
