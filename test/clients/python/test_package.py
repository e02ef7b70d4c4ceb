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
from typing import List

from fake_service import CLAIM, HEARTBEAT, RELEASE, FakeService
from scripted_runtime import ROOT

SOURCE = ROOT / "clients/python"

#: In which the package is found only where it was installed.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

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


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        if not has(sys.executable, "venv", "ensurepip"):
            if not os.environ.get("CI"):
                raise unittest.SkipTest("needs venv (Debian: python3-venv)")
            raise AssertionError("venv is missing; .ci/run installs it")
        cls.folder = pathlib.Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.sources = cls.folder / "sources"
        shutil.copytree(SOURCE, cls.sources, ignore=shutil.ignore_patterns("__pycache__", "dist"))
        built = run([sys.executable, "-B", cls.sources / "build_backend.py", cls.folder / "dist"])
        cls.wheel, cls.sdist = (pathlib.Path(line) for line in built.stdout.splitlines())

        environment = cls.folder / "environment"
        run([sys.executable, "-m", "venv", environment], check=True)
        cls.python = environment / "bin/python"
        cls.before = sorted(path for path in cls.sources.rglob("*"))
        cls.install(cls.sources)
        cls.program = cls.folder / "program.py"
        cls.program.write_text(PROGRAM, encoding="utf-8")

    @classmethod
    def install(cls, what: pathlib.Path) -> None:
        words = [cls.python, "-B", "-m", "pip", "install", "--no-index", "--force-reinstall", what]
        installed = run(words, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
        if installed.returncode:
            raise AssertionError(installed.stderr)

    def installed(self) -> "set[str]":
        code = "import license_session; print(license_session.__path__[0])"
        folder = run([self.python, "-c", code], cwd=self.folder, env=ENVIRONMENT).stdout.strip()
        return {path.name for path in pathlib.Path(folder).iterdir() if path.is_file()}

    def test_a_folder_is_installed_without_an_index_and_stays_as_it_was(self) -> None:
        self.assertEqual(sorted(path for path in self.sources.rglob("*")), self.before)

    def test_what_an_earlier_build_left_behind_is_not_installed(self) -> None:
        stale = self.sources / "build/lib/license_session/stale.py"
        stale.parent.mkdir(parents=True)
        stale.touch()
        self.addCleanup(shutil.rmtree, self.sources / "build")
        self.install(self.sources)
        self.assertEqual(self.installed(), self.modules())

    def test_the_source_archive_can_be_installed(self) -> None:
        self.install(self.sdist)
        self.assertEqual(self.installed(), self.modules())

    def test_an_editable_installation_names_the_folder(self) -> None:
        # In the process of its own that the front end would start.
        code = (
            "import sys; sys.path.insert(0, '.'); import build_backend; "
            f"print(build_backend.build_editable({str(self.folder)!r}))"
        )
        built = run([sys.executable, "-B", "-c", code], cwd=self.sources)
        with zipfile.ZipFile(self.folder / built.stdout.strip()) as wheel:
            named = wheel.read("license_session.pth").decode().strip()
        self.assertEqual(named, str(self.sources.resolve()))

    def test_two_builds_are_the_same_file(self) -> None:
        again = run(
            [sys.executable, "-B", self.sources / "build_backend.py", self.folder / "again"]
        )
        wheel = pathlib.Path(again.stdout.splitlines()[0])
        self.assertEqual(wheel.read_bytes(), self.wheel.read_bytes())

    def modules(self) -> "set[str]":
        return {path.name for path in (SOURCE / "license_session").iterdir() if path.is_file()}

    def test_sdist_and_wheel_have_the_package_and_nothing_else(self) -> None:
        names = zipfile.ZipFile(self.wheel).namelist()
        packaged = {name.split("/")[1] for name in names if name.startswith("license_session/")}
        self.assertEqual(packaged, self.modules())
        self.assertIn("py.typed", packaged)
        beside = {name.split("/")[1] for name in names if ".dist-info/" in name}
        self.assertEqual(beside, {"LICENSE", "CHANGELOG.md", "METADATA", "WHEEL", "RECORD"})
        sources = {
            name.split("/", 1)[1] for name in tarfile.open(self.sdist).getnames() if "/" in name
        }
        listed = {"README.md", "pyproject.toml", "build_backend.py", "LICENSE", "CHANGELOG.md"}
        self.assertEqual(
            sources, {*listed, "PKG-INFO", *(f"license_session/{name}" for name in self.modules())}
        )

    def test_an_empty_environment_can_use_it(self) -> None:
        service = self.service()
        used = run([self.python, self.program, service.url], cwd=self.folder, env=ENVIRONMENT)
        # A busy machine may keep the report waiting, which is said.
        said = [line for line in used.stderr.splitlines() if "report took too long" not in line]
        self.assertEqual(said, [])
        lines = used.stdout.splitlines()
        self.assertEqual(lines[0], "True 2")
        self.assertRegex(lines[1], r"^released ended \d+\.\d+\.\d+$")
        self.assertEqual(lines[2], "False True")
        self.assertEqual(service.count(RELEASE), 2)

    def test_the_version_is_that_of_the_package(self) -> None:
        code = (
            "import importlib.metadata, license_session;"
            "print(importlib.metadata.version('license-session') == license_session.__version__)"
        )
        said = run([self.python, "-c", code], cwd=self.folder, env=ENVIRONMENT)
        self.assertEqual(said.stdout, "True\n", said.stderr)

    def example_with(self, part: str, service: FakeService) -> "subprocess.Popen[str]":
        """Runs the example of the README that has this in it, after what the first one begins with."""
        readme = (SOURCE / "README.md").read_text(encoding="utf-8")
        examples = [text.split("```")[0] for text in readme.split("```python\n")[1:]]
        (example,) = (text for text in examples if part in text)
        url = f"url = {service.url!r}"
        begin = f"import itertools, math, time\nfrom license_session import *\n{url}\n"
        example = "\n".join(
            url if line.startswith("url = ") else line for line in example.splitlines()
        )
        process = subprocess.Popen(
            [self.python, "-u", "-c", begin + example],
            **{"cwd": self.folder, "env": ENVIRONMENT, "text": True},
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE},
        )
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def said_by(self, process: "subprocess.Popen[str]") -> List[str]:
        out, errors = process.communicate(timeout=120)
        self.assertNotIn("Traceback", errors)
        return out.splitlines()

    def service(self) -> FakeService:
        service = FakeService()
        self.addCleanup(service.close)
        return service

    def test_the_example_of_the_readme_does_what_it_says(self) -> None:
        said = self.said_by(self.example_with("orders < 3", self.service()))
        orders = [f"buying with order id ES-1-{number}" for number in (1, 2, 3)]
        self.assertEqual(said, [*orders, "released"])

    def test_the_example_of_28_symbols_opens_them_with_one_request(self) -> None:
        service = self.service()
        said = self.said_by(self.example_with("symbols=pairs", service))
        self.assertEqual(service.asked, [CLAIM, RELEASE, RELEASE])
        pairs = service.bodies[0]["symbols"]
        self.assertEqual((len(pairs), len(set(pairs))), (28, 28))
        self.assertEqual(said[:-1], [f"buying {pair} with order id {pair}-1-1" for pair in pairs])
        self.assertEqual(said[-1], "released 26")
        self.assertEqual(service.bodies[1]["symbols"], ["EURGBP", "EURAUD"])
        self.assertEqual(len(service.bodies[2]["symbols"]), 26)

    def test_the_example_that_is_asked_closes_and_releases(self) -> None:
        service = self.service()
        service.add(HEARTBEAT, release_asked_by="vps-1...")
        said = self.said_by(self.example_with("on_release_request=", service))
        self.assertEqual(said, ["closing all positions and releasing, for vps-1..."])
        self.assertEqual(service.asked[-1], RELEASE)

    def test_the_example_after_an_outage_opens_again_what_was_lost_and_not_what_was_taken(
        self,
    ) -> None:
        service = self.service()
        service.answers[HEARTBEAT] = {"code": "session_not_found"}
        process = self.example_with('reason == "lost"', service)
        assert process.stdout
        reading = "reading the open positions from the broker\n"
        self.assertEqual([process.stdout.readline(), process.stdout.readline()], [reading] * 2)
        service.answers[HEARTBEAT] = {"code": "session_taken"}
        said = self.said_by(process)
        self.assertEqual(set(said[:-1]) - {reading.strip()}, set())
        self.assertEqual(said[-1], "taken")

    def tool(self, name: str, *places: pathlib.Path) -> str:
        found = next((str(place) for place in places if place.exists()), shutil.which(name))
        if not found and not os.environ.get("CI"):
            self.skipTest(f"needs {name}")
        assert found, f"{name} is missing"
        return found

    def check(self, command: List[object], wrong: List[str]) -> None:
        checked = run([*command, self.program], cwd=self.folder, env=ENVIRONMENT)
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
        file = self.folder / "wrong.py"
        file.write_text(WRONG, encoding="utf-8")
        refused = run([*command, file], cwd=self.folder, env=ENVIRONMENT)
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
