"""What the verbs of stages say themselves."""

from __future__ import annotations

from pathlib import Path

from tests.running import Bell


def test_setup_prints_the_grants_of_a_server_without_looking_for_it_and_without_the_password(tmp_path: Path) -> None:
    home = tmp_path / "home"
    at = Bell(home, {"WAREHOUSE_URL": "mysql://bell:the-password-of-it@127.0.0.1:1/dw"})
    lines = at.run("setup", "--print-grants").stdout.splitlines()
    assert lines[0] == "CREATE USER IF NOT EXISTS 'bell'@'%' IDENTIFIED BY 'choose a password';"
    assert lines[-1] == r"GRANT SELECT ON `dw\_operations`.* TO 'openingbell_reader'@'%';"
    assert "the-password-of-it" not in "".join(lines)
    refused = at.run("setup", code=1)
    assert "mysql://bell@127.0.0.1:1/dw" in refused.stderr
    assert "the-password-of-it" not in refused.stderr + refused.stdout
    assert "the-password-of-it" not in "".join(p.read_text("utf-8") for p in home.rglob("*") if p.is_file())
