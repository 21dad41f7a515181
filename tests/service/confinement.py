"""The unit's restrictions without systemd: bubblewrap's namespaces and a filter of system calls.

A service manager is needed to run the unit itself. What its hardening lines forbid can be
forbidden elsewhere too: the filter is made of the unit's own lines, through libseccomp.
Reference: systemd.exec(5), seccomp_rule_add(3), bwrap(1).
"""

import ctypes
import ctypes.util
import errno
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

ALLOW, REFUSE = 0x7FFF0000, 0x00050000
MASKED_EQUAL, EQUAL = 7, 4
WRITE, EXECUTE, SHARED_EXECUTE = 2, 4, 0o100000
SET_ID_BITS = 0o6000
NAMESPACES = 0x7E020000
"""Every CLONE_NEW… flag."""

FAMILIES = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10}


class _Comparison(ctypes.Structure):
    _fields_ = (
        ("argument", ctypes.c_uint),
        ("operator", ctypes.c_int),
        ("first", ctypes.c_uint64),
        ("second", ctypes.c_uint64),
    )


class Filter:
    """A filter of system calls that refuses what it does not allow."""

    def __init__(self, library: str) -> None:
        self._library = ctypes.CDLL(library)
        self._library.seccomp_init.restype = ctypes.c_void_p
        self._context = ctypes.c_void_p(self._library.seccomp_init(REFUSE | errno.EPERM))

    def allow(self, call: str, *conditions: _Comparison) -> None:
        """Allow a call, where all conditions hold; one this machine does not have is left out."""
        self._add(ALLOW, call, *conditions)

    def deny(self, call: str, number: int) -> None:
        """Refuse a call with an error of its own."""
        self._add(REFUSE | number, call)

    def write(self, file: int) -> None:
        """Write the program that the kernel is to run."""
        assert self._library.seccomp_export_bpf(self._context, file) == 0
        self._library.seccomp_release(self._context)

    def _add(self, action: int, call: str, *conditions: _Comparison) -> None:
        number = self._library.seccomp_syscall_resolve_name(call.encode())
        if number < 0:
            return
        array = (_Comparison * max(len(conditions), 1))(*conditions)
        failed = self._library.seccomp_rule_add_array(
            self._context, ctypes.c_uint32(action), number, len(conditions), array
        )
        assert failed == 0, (call, failed)


def library() -> str | None:
    """Return where libseccomp is."""
    return ctypes.util.find_library("seccomp")


def filter_of(unit: Path, analyzer: str, library_name: str) -> int:
    """Return a file that holds the filter of a unit's lines."""
    text = unit.read_text(encoding="utf-8")
    allowed: set[str] = set()
    for line in re.findall(r"^SystemCallFilter=(.*)$", text, re.MULTILINE):
        calls = {call for name in line.lstrip("~").split() for call in _calls(analyzer, name)}
        allowed = allowed - calls if line.startswith("~") else allowed | calls
    rules = Filter(library_name)
    for call, alternatives in _conditions(text).items():
        if call in allowed:
            allowed.discard(call)
            for conditions in alternatives:
                rules.allow(call, *conditions)
    for call in sorted(allowed - {"clone3", "personality", "unshare", "setns"}):
        rules.allow(call)
    rules.deny("clone3", errno.ENOSYS)  # its flags cannot be seen: programs fall back to clone
    with tempfile.TemporaryFile() as file:
        rules.write(file.fileno())
        os.lseek(file.fileno(), 0, os.SEEK_SET)
        return os.dup(file.fileno())


def _conditions(unit: str) -> dict[str, list[list[_Comparison]]]:
    """Return under which conditions some calls are allowed: any one of several."""
    families = re.search(r"^RestrictAddressFamilies=(.*)$", unit, re.MULTILINE)
    assert families is not None
    for line in ("MemoryDenyWriteExecute", "RestrictNamespaces", "RestrictSUIDSGID"):
        assert f"{line}=yes" in unit
    harmless = [WRITE, EXECUTE, 0]
    return {
        "socket": [[_Comparison(0, EQUAL, FAMILIES[name])] for name in families[1].split()],
        "mmap": [[_masked(2, WRITE | EXECUTE, value)] for value in harmless],
        "mprotect": [[_masked(2, EXECUTE, 0)]],
        "pkey_mprotect": [[_masked(2, EXECUTE, 0)]],
        "shmat": [[_masked(2, SHARED_EXECUTE, 0)]],
        "clone": [[_masked(0, NAMESPACES, 0)]],
        "chmod": [[_masked(1, SET_ID_BITS, 0)]],
        "fchmod": [[_masked(1, SET_ID_BITS, 0)]],
        "fchmodat": [[_masked(2, SET_ID_BITS, 0)]],
    }


def _masked(argument: int, mask: int, value: int) -> _Comparison:
    return _Comparison(argument, MASKED_EQUAL, mask, value)


def _calls(analyzer: str, name: str) -> Iterator[str]:
    """Return the calls of a group, and of the groups in it."""
    if not name.startswith("@"):
        yield name
        return
    said = subprocess.run(
        [analyzer, "syscall-filter", name], capture_output=True, text=True, check=True
    )
    for line in said.stdout.splitlines()[1:]:
        if (word := line.strip()) and not word.startswith("#"):
            yield from _calls(analyzer, word)


def command(bwrap: str, filter_file: int, writable: Path) -> list[str]:
    """Return what runs a program as the unit would: nothing to write to but one folder."""
    return [
        bwrap,
        *("--ro-bind", "/", "/"),  # ProtectSystem=strict
        *("--dev", "/dev"),  # PrivateDevices
        *("--proc", "/proc"),  # ProtectProc, as far as it goes
        *("--tmpfs", "/var/tmp"),  # PrivateTmp
        *("--bind", str(writable), str(writable)),  # StateDirectory
        *("--unshare-user", "--uid", "61234", "--gid", "61234"),  # DynamicUser, PrivateUsers
        *("--unshare-ipc", "--unshare-pid", "--unshare-uts", "--unshare-cgroup-try"),
        *("--cap-drop", "ALL"),  # CapabilityBoundingSet=
        *("--die-with-parent", "--new-session"),
        *("--seccomp", str(filter_file)),
    ]
