"""Settings that nobody reads: a field of Settings that is taken from none, anywhere in the service."""

from __future__ import annotations

import ast
import subprocess

from config import Settings
from tools.documents import ROOT

ELSEWHERE = ("tests/", "benchmarks/", "tools/", "config.py")
"""Who reads a setting there does not make it do anything."""


def read() -> set[str]:
    """The attributes that are taken of something that is called settings."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"]
    files = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True, text=True).stdout.split()
    texts = ((ROOT / name).read_text() for name in files if not name.startswith(ELSEWHERE))
    trees = (ast.parse(text) for text in texts if "settings." in text)
    nodes = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Attribute))
    return {node.attr for node in nodes if _name(node.value).endswith("settings")}


def _name(owner: ast.expr) -> str:
    return owner.id if isinstance(owner, ast.Name) else str(getattr(owner, "attr", ""))


def wrong() -> list[str]:
    return [f"{name.upper()} is a setting that nobody reads" for name in sorted(Settings.model_fields.keys() - read())]
