"""web/video-api.js keeps its promises under node, against a real service; and its types hold."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from tests.browser import needed
from tests.service import ROOT, Service


def test_the_client_keeps_its_promises(shared_service: Service, clip: Path, long_clip: Path) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "SERVICE": str(shared_service.http.base_url).rstrip("/"),
        "CLIP": str(clip),
        "LONG_CLIP": str(long_clip),
    }
    done = subprocess.run(
        [needed("node"), "--test", "--test-reporter=tap", "tests/web_api.mjs"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(re.findall(r"^# pass (\d+)", done.stdout, re.MULTILINE)[0]) > 10


GUIDE = (ROOT / "guides" / "frontend.md").read_text()


def snippets(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)


def ran(*command: str, folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_guides_walk_goes_as_it_is_written(shared_service: Service, clip: Path, tmp_path: Path) -> None:
    script = snippets("js")[0].replace("http://127.0.0.1:8000", str(shared_service.http.base_url).rstrip("/"))
    (tmp_path / "walk.mjs").write_text(script)
    (tmp_path / "video.mp4").symlink_to(clip)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    shutil.copy(ROOT / "web" / "video-api.js", tmp_path)
    printed = ran(needed("node"), "walk.mjs", folder=tmp_path)
    assert "ended as completed" in printed


def test_the_guides_component_and_the_clients_types_agree(tmp_path: Path) -> None:
    (tmp_path / "component.tsx").write_text(snippets("tsx")[0])
    for file in (ROOT / "tests" / "react.d.ts", ROOT / "web" / "video-api.d.ts"):
        shutil.copy(file, tmp_path)
    command = [needed("tsc"), "--noEmit", "--strict", "--jsx", "react-jsx", "--target", "es2022"]
    command += ["--module", "es2022", "--moduleResolution", "node"]
    assert ran(*command, "component.tsx", "react.d.ts", folder=tmp_path) == ""


def test_the_types_tell_of_every_method_and_of_no_other() -> None:
    names = "Object.getOwnPropertyNames(client.VideoApi.prototype).join()"
    code = f"import('./web/video-api.js').then((client) => console.log({names}))"
    there = set(ran(needed("node"), "-e", code, folder=ROOT).strip().split(",")) - {"constructor"}
    typed = (ROOT / "web" / "video-api.d.ts").read_text().partition("class VideoApi {")[2]
    assert set(re.findall(r"^  (\w+)[<(]", typed, re.MULTILINE)) - {"constructor"} == there


def test_the_other_snippets_are_sound(tmp_path: Path) -> None:
    (tmp_path / "next.config.mjs").write_text(snippets("js")[1])
    ran(needed("node"), "--check", "next.config.mjs", folder=tmp_path)
    assert (len(snippets("js")), len(snippets("tsx")), len(snippets("html"))) == (2, 1, 1)
