"""Builds the package (PEP 517) with the standard library alone, so that it can be installed without
an index: `pip install --no-index PATH/clients/python`. A build writes nothing but its file.

`python3 build_backend.py [FOLDER]` makes the wheel and the source archive, by default in `dist`.
"""

from __future__ import annotations

import base64
import hashlib
import io
import pathlib
import re
import sys
import tarfile
import zipfile
from typing import Any, Dict, Iterator, Mapping, Optional, Tuple

__all__ = ["build_editable", "build_sdist", "build_wheel"]

_ROOT = pathlib.Path(__file__).resolve().parent
_PACKAGE = _ROOT / "license_session"
_BESIDE = ("LICENSE", "CHANGELOG.md")

_METADATA = """\
Metadata-Version: 2.1
Name: license-session
Version: {version}
Summary: Opens and keeps a license session; standard library only
License: UNLICENSED
Classifier: Private :: Do Not Upload
Classifier: Programming Language :: Python :: 3
Classifier: Typing :: Typed
Requires-Python: >=3.9
Provides-Extra: signed
Requires-Dist: cryptography>=3.4; extra == "signed"
License-File: LICENSE
Description-Content-Type: text/markdown

{readme}"""

_WHEEL = """\
Wheel-Version: 1.0
Generator: license-session
Root-Is-Purelib: true
Tag: py3-none-any
"""


def build_wheel(
    wheel_directory: str,
    config_settings: Optional[Mapping[str, Any]] = None,
    metadata_directory: Optional[str] = None,
) -> str:
    """Returns the name of the file."""
    modules = {f"license_session/{name}": text for name, text in _modules()}
    return _write_wheel(wheel_directory, modules)


def build_editable(
    wheel_directory: str,
    config_settings: Optional[Mapping[str, Any]] = None,
    metadata_directory: Optional[str] = None,
) -> str:
    """Returns the name of a wheel that names this folder."""
    return _write_wheel(wheel_directory, {"license_session.pth": f"{_ROOT}\n".encode()})


def build_sdist(sdist_directory: str, config_settings: Optional[Mapping[str, Any]] = None) -> str:
    """Returns the name of the file."""
    folder = f"license_session-{_version()}"
    files = {f"license_session/{name}": text for name, text in _modules()}
    for name in ("build_backend.py", "pyproject.toml", "README.md", *_BESIDE):
        files[name] = (_ROOT / name).read_bytes()
    files["PKG-INFO"] = _metadata()
    with tarfile.open(pathlib.Path(sdist_directory, f"{folder}.tar.gz"), "w:gz") as archive:
        for name, text in sorted(files.items()):
            entry = tarfile.TarInfo(f"{folder}/{name}")
            entry.size, entry.mode = len(text), 0o644
            archive.addfile(entry, io.BytesIO(text))
    return f"{folder}.tar.gz"


def _write_wheel(directory: str, files: Dict[str, bytes]) -> str:
    info = f"license_session-{_version()}.dist-info"
    files = {
        **files,
        f"{info}/METADATA": _metadata(),
        f"{info}/WHEEL": _WHEEL.encode(),
        **{f"{info}/{name}": (_ROOT / name).read_bytes() for name in _BESIDE},
    }
    record = "".join(f"{name},{_digest(text)},{len(text)}\n" for name, text in files.items())
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    name = f"license_session-{_version()}-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(directory, name), "w", zipfile.ZIP_DEFLATED) as archive:
        for path, text in files.items():
            # With a date of its own each build would be another file.
            entry = zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0))
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, text, zipfile.ZIP_DEFLATED)
    return name


def _modules() -> Iterator[Tuple[str, bytes]]:
    for path in sorted(_PACKAGE.iterdir()):
        if path.suffix == ".py" or path.name == "py.typed":
            yield path.name, path.read_bytes()


def _metadata() -> bytes:
    readme = (_ROOT / "README.md").read_text(encoding="utf-8")
    return _METADATA.format(version=_version(), readme=readme).encode()


def _version() -> str:
    text = (_PACKAGE / "version.py").read_text(encoding="utf-8")
    version: str = re.findall(r'__version__ = "(.+)"', text)[0]
    return version


def _digest(text: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(text).digest()).rstrip(b"=").decode()
    return f"sha256={digest}"


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else _ROOT / "dist")
    folder.mkdir(parents=True, exist_ok=True)
    print(folder / build_wheel(str(folder)))
    print(folder / build_sdist(str(folder)))
