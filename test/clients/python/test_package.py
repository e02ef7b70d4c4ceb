"""The package as its users get it: built, installed into an empty environment, and type-checked."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import unittest
import zipfile
from typing import List, Optional

from fake_service import FakeService
from processes import RELEASE
from scripted_runtime import ROOT

SOURCE = ROOT / "clients/python"

#: A program that uses every kind of thing the package shows, with its types.
PROGRAM = """
import asyncio
import sys
from typing import Optional

import license_session
import license_session.asyncio
from license_session import (
    End, EndReason, LicenseSessionError, Request, Response, Session, SessionRefused, State, Status,
)

states: list[State] = []


def on_status(status: Status) -> None:
    states.append(status.state)


def report() -> dict[str, object]:
    return {"status": "trading", "metadata": {"orders": 1}}


def main(url: str) -> None:
    try:
        session: Session
        with license_session.open_session(
            url, "KEY", "device", symbol="ES", on_status=on_status, report=report
        ) as session:
            held: bool = session.held
            print(held, session.fencing_token + 1)
        ended: Optional[End] = session.ended
        reason: Optional[EndReason] = ended.reason if ended else None
        print(reason, states[-1], license_session.__version__)
    except SessionRefused as error:
        wait: Optional[float] = error.wait_seconds
        print(wait, error.code == "session_limit")
    except LicenseSessionError as error:
        print(error.code.upper(), error.status, error.request_id, error.cause)


async def twin(url: str) -> None:
    async with license_session.asyncio.open_session(url, "KEY", "device") as session:
        lost: bool = await session.wait_lost(0)
        print(lost, session.held)


def transport(request: Request) -> Response:
    return Response(200, {}, request.body)


main(sys.argv[1])
asyncio.run(twin(sys.argv[1]))
"""

#: What the types must catch: that a state is misspelt, and that a session may not be over.
WRONG = """
from license_session import Session, State

state: State = "hold"


def reason(session: Session) -> str:
    return session.ended.reason
"""


def run(command: List[object], **options: object) -> "subprocess.CompletedProcess[str]":
    words = [str(word) for word in command]
    return subprocess.run(words, capture_output=True, text=True, **options)  # type: ignore[call-overload, no-any-return]


def has(python: str, *modules: str) -> bool:
    return run([python, "-c", f"import {', '.join(modules)}"]).returncode == 0


def builder() -> Optional[str]:
    """A Python that can build packages without fetching anything."""
    candidates = [sys.executable, "/usr/bin/python3"]
    return next((python for python in candidates if has(python, "setuptools", "wheel")), None)


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        python = builder()
        if python is None or not has(sys.executable, "venv", "ensurepip"):
            if not os.environ.get("CI"):
                raise unittest.SkipTest(
                    "needs a Python with setuptools, wheel and venv (Debian: python3-setuptools, "
                    "python3-wheel, python3-venv)"
                )
            raise AssertionError("setuptools, wheel and venv are missing; .ci/run installs them")
        cls.folder = pathlib.Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        dist, sources = cls.folder / "dist", cls.folder / "sources"
        dist.mkdir()
        # In a copy: building leaves folders of its own beside what it builds.
        shutil.copytree(SOURCE, sources, ignore=shutil.ignore_patterns("__pycache__"))
        cls.sdist = cls.build(python, "sdist", sources, dist)
        with tarfile.open(cls.sdist) as archive:
            archive.extractall(cls.folder / "unpacked")
        # From the sdist, which so has all that it takes.
        (unpacked,) = (cls.folder / "unpacked").iterdir()
        cls.wheel = cls.build(python, "wheel", unpacked, dist)

        environment = cls.folder / "environment"
        run([sys.executable, "-m", "venv", environment], check=True)
        cls.python = environment / "bin/python"
        install = [cls.python, "-m", "pip", "install", "--no-index", "--no-deps", cls.wheel]
        run(install, check=True)
        cls.program = cls.folder / "program.py"
        cls.program.write_text(PROGRAM, encoding="utf-8")

    @classmethod
    def build(
        cls, python: str, kind: str, source: pathlib.Path, dist: pathlib.Path
    ) -> pathlib.Path:
        code = f"from setuptools import build_meta; print(build_meta.build_{kind}({str(dist)!r}))"
        built = run([python, "-c", code], cwd=source)
        if built.returncode:
            raise AssertionError(built.stderr)
        return dist / built.stdout.splitlines()[-1]

    def test_sdist_and_wheel_have_the_package_and_nothing_else(self) -> None:
        modules = {path.name for path in (SOURCE / "license_session").iterdir() if path.is_file()}
        names = zipfile.ZipFile(self.wheel).namelist()
        packaged = {name.split("/")[1] for name in names if name.startswith("license_session/")}
        self.assertEqual(packaged, modules)
        self.assertIn("py.typed", packaged)
        others = {name.split("/")[0] for name in names}
        self.assertEqual(len(others), 2, others)
        sources = {
            name.split("/", 1)[1] for name in tarfile.open(self.sdist).getnames() if "/" in name
        }
        self.assertLessEqual({"README.md", "pyproject.toml", "license_session/py.typed"}, sources)

    def test_an_empty_environment_can_use_it(self) -> None:
        service = FakeService()
        self.addCleanup(service.close)
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        used = run([self.python, self.program, service.url], cwd=self.folder, env=environment)
        # A busy machine may keep the report waiting, which is said.
        said = [line for line in used.stderr.splitlines() if "report took too long" not in line]
        self.assertEqual(said, [])
        lines = used.stdout.splitlines()
        self.assertEqual(lines[0], "True 2")
        self.assertRegex(lines[1], r"^released ended \d+\.\d+\.\d+$")
        self.assertEqual(lines[2], "False True")
        self.assertEqual(service.asked.count(RELEASE), 2)

    def test_the_version_is_that_of_the_package(self) -> None:
        code = (
            "import importlib.metadata, license_session;"
            "print(importlib.metadata.version('license-session') == license_session.__version__)"
        )
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        said = run([self.python, "-c", code], cwd=self.folder, env=environment)
        self.assertEqual(said.stdout, "True\n", said.stderr)

    def test_the_example_of_the_readme_does_what_it_says(self) -> None:
        service = FakeService()
        self.addCleanup(service.close)
        readme = (SOURCE / "README.md").read_text(encoding="utf-8")
        example = readme.split("```python\n")[1].split("```")[0]
        url = next(line for line in example.splitlines() if line.startswith("url = "))
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        source = example.replace(url, f"url = {service.url!r}")
        said = run([self.python, "-c", source], cwd=self.folder, env=environment)
        orders = [f"buying with order id ES-1-{number}" for number in (1, 2, 3)]
        self.assertEqual(said.stdout.splitlines(), [*orders, "released"], said.stderr)

    def tool(self, name: str, *places: pathlib.Path) -> str:
        found = next((str(place) for place in places if place.exists()), shutil.which(name))
        if not found and not os.environ.get("CI"):
            self.skipTest(f"needs {name}")
        assert found, f"{name} is missing"
        return found

    def check(self, command: List[object], wrong: List[str]) -> None:
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        checked = run([*command, self.program], cwd=self.folder, env=environment)
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
        file = self.folder / "wrong.py"
        file.write_text(WRONG, encoding="utf-8")
        refused = run([*command, file], cwd=self.folder, env=environment)
        for part in wrong:
            self.assertIn(part, refused.stdout)

    def test_mypy_is_strict_with_the_package_and_with_its_users(self) -> None:
        mypy = self.tool("mypy")
        cache = ["--cache-dir", self.folder / "mypy"]
        itself = run([mypy, *cache, "--python-version", "3.9"], cwd=SOURCE)
        self.assertEqual(itself.returncode, 0, itself.stdout + itself.stderr)
        command = [mypy, *cache, "--strict", "--python-executable", self.python]
        self.check(command, ["hold", "has no attribute"])

    def test_pyright_is_clean_for_the_package_and_for_its_users(self) -> None:
        pyright = self.tool("pyright", ROOT / "node_modules/.bin/pyright")
        itself = run([pyright], cwd=SOURCE)
        self.assertEqual(itself.returncode, 0, itself.stdout + itself.stderr)
        command = [pyright, "--pythonpath", self.python]
        self.check(command, ["hold", "reason"])


if __name__ == "__main__":
    unittest.main()
