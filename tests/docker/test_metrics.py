"""Alerts and dashboard ask for what the processes really export, by labels that it really has."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase

from service import metrics as of_service
from service.keeper import metrics as of_keeper
from worker import metrics as of_worker

DOCKER = Path(__file__).parents[2] / "docker"
COMPOSE: dict[str, Any] = yaml.safe_load((DOCKER.parent / "docker-compose.yml").read_text())
ALERTS: dict[str, Any] = yaml.safe_load((DOCKER / "alerts.yml").read_text())
DASHBOARD: dict[str, Any] = json.loads((DOCKER / "grafana" / "judges.json").read_text())
DATASOURCE: dict[str, Any] = yaml.safe_load((DOCKER / "grafana" / "datasource.yml").read_text())["datasources"][0]

SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_count", "_sum")}
OURS = re.compile(r"\b(?:worker|service|keeper|engine|tgi)_[a-z_]+\b(?!\s*\()")
MATCHER = re.compile(r"([a-z_]+)\s*(?:=~|!~|!=|=)\s*\"")
GROUPED = re.compile(r"\bby\s*\(([^)]*)\)")


def exported(*modules: ModuleType) -> dict[str, set[str]]:
    """Every time series that these modules' metrics make, and its labels."""
    found: dict[str, set[str]] = {}
    for metric in (value for module in modules for value in vars(module).values()):
        if isinstance(metric, MetricWrapperBase):
            (family,) = metric.describe()
            labels = {*metric._labelnames, *({"le"} if family.type == "histogram" else ())}
            found |= {family.name + suffix: labels for suffix in SUFFIXES[family.type]}
    return found


SERIES = exported(of_service, of_keeper, of_worker)


def expressions() -> Iterator[tuple[str, str]]:
    """Every PromQL text, and whose it is."""
    for group in ALERTS["groups"]:
        yield from ((rule["alert"], rule["expr"]) for rule in group["rules"])
    for panel in DASHBOARD["panels"]:
        yield from ((panel["title"], target["expr"]) for target in panel["targets"])
    for variable in DASHBOARD["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["name"], variable["query"]["query"]


@pytest.mark.parametrize(("whose", "expression"), list(expressions()))
def test_what_is_asked_for_is_exported(whose: str, expression: str) -> None:
    asked = set(OURS.findall(expression))
    assert asked
    assert asked <= set(SERIES), f"{whose} asks for what no process exports"
    selected = {name for name, _ in re.findall(r"([a-zA-Z_:][\w:]*)(\{[^}]*\}|\[)", expression)}
    assert selected <= asked, f"{whose} selects a series of nobody's"


@pytest.mark.parametrize(("whose", "expression"), list(expressions()))
def test_labels_that_are_asked_for_are_there(whose: str, expression: str) -> None:
    for name, matchers in re.findall(r"([a-z_]+)\{([^}]*)\}", expression):
        assert set(MATCHER.findall(matchers)) <= SERIES[name], whose
    grouped = {label.strip() for labels in GROUPED.findall(expression) for label in labels.split(",")}
    common = set.union(*(SERIES[name] for name in OURS.findall(expression)))
    assert grouped <= common, whose


def test_values_of_labels_are_those_that_workers_use() -> None:
    allowed = {
        "outcome": {*of_worker.OUTCOMES, "superseded", "retried", "returned", "lost", "canceled"},
        "chose": set(of_worker.SLOTS),
        "winner": set(of_worker.WINNERS),
        "kind": {"gold", "aa"},
        "result": {"right", "wrong", "failed"},
    }
    for whose, expression in expressions():
        for label, value in re.findall(r"([a-z_]+)(?:=~|!=|=)\"([a-z|]+)\"", expression):
            assert set(value.split("|")) <= allowed[label], whose


def test_nobody_exports_a_rate_or_a_text() -> None:
    """Rates are made by whoever asks, over the window that they want."""
    ours = {"worker_pairs_total", "worker_flips_total", "worker_readings_total", "worker_length_wins_total"}
    assert ours <= set(SERIES)
    assert not [name for name in SERIES if name.endswith(("_rate", "_ratio", "_share"))]
    labels = set.union(*SERIES.values())
    assert not labels & {"prompt", "answer", "answer_a", "answer_b", "text", "id", "tenant"}


def test_every_bias_metric_is_on_the_dashboard() -> None:
    asked = {name for _, expression in expressions() for name in OURS.findall(expression)}
    bias = {name for name, labels in SERIES.items() if "principle" in labels}
    assert bias <= asked


def test_every_alert_says_what_is_wrong_and_what_to_do() -> None:
    rules = [rule for group in ALERTS["groups"] for rule in group["rules"]]
    assert len({rule["alert"] for rule in rules}) == len(rules)
    tested = yaml.safe_load((Path(__file__).parent / "alerts_test.yml").read_text())["tests"]
    fired = {each["alertname"] for test in tested for each in test["alert_rule_test"] if each["exp_alerts"]}
    quiet = {each["alertname"] for test in tested for each in test["alert_rule_test"] if not each["exp_alerts"]}
    documented = (DOCKER.parent / "docs" / "metrics.md").read_text()
    for rule in rules:
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert set(rule["annotations"]) == {"summary", "description"}
        assert rule["alert"] in fired & quiet, "promtool is told of no series that make it fire, or of none that do not"
        assert rule["alert"] in documented


def test_every_metric_of_a_judge_is_documented() -> None:
    documented = (DOCKER.parent / "docs" / "metrics.md").read_text()
    names = {re.sub(r"_(bucket|count|sum)$", "", name) for name in SERIES}
    assert not [name for name in sorted(names) if f"`{name}`" not in documented]


def mounted(service: str) -> dict[str, Path]:
    """Files of this repository in a container, by their place there; all of them read-only."""
    volumes = [volume.split(":") for volume in COMPOSE["services"][service]["volumes"] if volume.startswith("./")]
    assert all(how == "ro" for _, _, how in volumes)
    return {place: DOCKER.parent / source for source, place, _ in volumes}


def test_prometheus_finds_the_alerts() -> None:
    files = mounted("prometheus")
    (rules,) = yaml.safe_load(files["/etc/prometheus/prometheus.yml"].read_text())["rule_files"]
    assert files[f"/etc/prometheus/{rules}"] == DOCKER / "alerts.yml"


def test_grafana_finds_prometheus_and_the_dashboard() -> None:
    files = mounted("grafana")
    assert all(file.is_file() for file in files.values())
    (provider,) = yaml.safe_load(files["/etc/grafana/provisioning/dashboards/selfref.yml"].read_text())["providers"]
    assert files[f"{provider['options']['path']}/judges.json"] == DOCKER / "grafana" / "judges.json"
    assert yaml.safe_load(files["/etc/grafana/provisioning/datasources/selfref.yml"].read_text())["datasources"]
    assert DATASOURCE["url"] == "http://prometheus:9090"
    assert set(COMPOSE["services"]["grafana"]["networks"]) & set(COMPOSE["services"]["prometheus"]["networks"])
    used = [panel["datasource"] for panel in DASHBOARD["panels"]]
    used += [target["datasource"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
    used += [variable["datasource"] for variable in DASHBOARD["templating"]["list"] if "datasource" in variable]
    assert {(each["type"], each["uid"]) for each in used} == {(DATASOURCE["type"], DATASOURCE["uid"])}


def test_grafana_has_no_password_that_everybody_knows() -> None:
    told = COMPOSE["services"]["grafana"]["environment"]
    assert told["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"] == told["GF_AUTH_DISABLE_LOGIN_FORM"] == "true"
    assert (told["GF_AUTH_BASIC_ENABLED"], told["GF_AUTH_ANONYMOUS_ORG_ROLE"]) == ("false", "Viewer")


def test_panels_do_not_overlap() -> None:
    cells = [
        (panel["gridPos"]["x"] + x, panel["gridPos"]["y"] + y)
        for panel in DASHBOARD["panels"]
        for x in range(panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
