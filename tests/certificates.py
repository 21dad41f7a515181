"""Authorities and servers' certificates for tests, made by openssl."""

import subprocess
from pathlib import Path

from tests.programs import program

HOST = "127.0.0.1"


def openssl(*arguments: object) -> None:
    """Run openssl."""
    command = [str(program("openssl", "openssl")), *map(str, arguments)]
    subprocess.run(command, check=True, capture_output=True)


def authority(folder: Path, name: str) -> Path:
    """Make an authority; return the path of its certificate."""
    path = folder / f"{name}.pem"
    openssl(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
        *("-days", "30", "-subj", f"/CN={name}", "-addext", "basicConstraints=critical,CA:TRUE"),
        *("-keyout", path.with_suffix(".key"), "-out", path),
    )
    return path


def certificate(issuer, name, *, host=HOST, begins="20250101000000Z", ends="20991231000000Z"):
    """Let an authority make a server's certificate; return its path."""
    path = issuer.with_name(f"{name}.pem")
    kind = "IP" if host == HOST else "DNS"
    settings = path.with_suffix(".cnf")
    (settings.parent / f"{name}.index").write_text("")
    settings.write_text(
        f"[ca]\ndefault_ca = d\n[d]\ndatabase = {settings.parent}/{name}.index\n"
        f"new_certs_dir = {settings.parent}\nrand_serial = yes\ndefault_md = sha256\npolicy = p\n"
        f"x509_extensions = e\n[p]\ncommonName = supplied\n[e]\nsubjectAltName = {kind}:{host}\n"
        "[req]\ndistinguished_name = n\n[n]\n"
    )
    request = path.with_suffix(".csr")
    openssl(
        *("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
        *("-subj", f"/CN={host}", "-config", settings),
        *("-keyout", path.with_suffix(".key"), "-out", request),
    )
    openssl(
        *("ca", "-batch", "-config", settings, "-cert", issuer),
        *("-keyfile", issuer.with_suffix(".key"), "-startdate", begins, "-enddate", ends),
        *("-in", request, "-out", path, "-notext"),
    )
    return path
