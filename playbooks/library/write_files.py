"""An Ansible module: many small files in one go. One round trip to a host instead of two or three for each file."""  # noqa: INP001

from __future__ import annotations

import base64
import os
import shutil
import tempfile
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: write_files
short_description: Write many small files in one go
description: Makes each file, and the folders above it, so. Says which paths changed.
author: Hanse developers
options:
  files:
    description: The files
    type: list
    elements: dict
    required: true
    suboptions:
      path: {type: path, required: true, description: Absolute path}
      content: {type: str, default: "", description: What the file holds}
      encoding: {type: str, choices: [utf-8, base64], default: utf-8, description: How content is written}
      mode: {type: str, description: "Octal mode; 0644 for files and 0755 for folders when not given"}
      owner: {type: str, description: Owner, left as it is when not given}
      state:
        type: str
        choices: [file, directory, absent]
        default: file
        description: directory makes a folder, without content; absent takes files and folders away
"""
EXAMPLES = r"""
- name: Name the host
  write_files:
    files:
      - {path: /etc/hostname, content: "sediment-frontend-0\n"}
"""
RETURN = r"""
paths: {description: What changed, type: list, returned: always}
"""
FILE = {
    "path": {"type": "path", "required": True},
    "content": {"type": "str", "default": ""},
    "encoding": {"type": "str", "choices": ["utf-8", "base64"], "default": "utf-8"},
    "mode": {"type": "str"},
    "owner": {"type": "str"},
    "state": {"type": "str", "choices": ["file", "directory", "absent"], "default": "file"},
}


def main() -> None:
    """Make every file so."""
    options = {"files": {"type": "list", "elements": "dict", "required": True, "options": FILE}}
    module = AnsibleModule(argument_spec=options, supports_check_mode=True)
    try:
        changed = [wanted["path"] for wanted in module.params["files"] if _make_so(module, wanted)]
    except OSError as error:
        module.fail_json(msg=f"{error.filename}: {error.strerror}")
    module.exit_json(changed=bool(changed), paths=changed)


def _make_so(module: AnsibleModule, wanted: dict[str, str]) -> bool:
    """Whether anything had to be done."""
    path = Path(wanted["path"])
    if not path.is_absolute():
        module.fail_json(msg=f"{path}: not an absolute path")
    if wanted["state"] == "absent":
        return _take_away(module, path)
    return (_make if wanted["state"] == "directory" else _write)(module, path, wanted)


def _take_away(module: AnsibleModule, path: Path) -> bool:
    if not path.is_symlink() and not path.exists():
        return False
    if module.check_mode:
        return True
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
    return True


def _make(module: AnsibleModule, path: Path, wanted: dict[str, str]) -> bool:
    missing = not path.is_dir()
    if missing and module.check_mode:
        return True
    path.mkdir(parents=True, exist_ok=True)
    return _attributed(module, path, wanted, changed=missing)


def _write(module: AnsibleModule, path: Path, wanted: dict[str, str]) -> bool:
    content = _content(module, wanted)
    differs = not path.is_file() or path.read_bytes() != content
    if differs and module.check_mode:
        return True
    if differs:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Made unreadable for others and moved into place whole: at no moment is there half a file, or an open secret.
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".hanse-")
        with os.fdopen(descriptor, "wb") as out:
            out.write(content)
        module.atomic_move(temporary, str(path))
    return _attributed(module, path, wanted, changed=differs)


def _content(module: AnsibleModule, wanted: dict[str, str]) -> bytes:
    if wanted["encoding"] != "base64":
        return wanted["content"].encode()
    try:
        return base64.b64decode(wanted["content"], validate=True)
    except ValueError:
        module.fail_json(msg=f"{wanted['path']}: its content is not base64")
        raise


def _attributed(module: AnsibleModule, path: Path, wanted: dict[str, str], *, changed: bool) -> bool:
    mode = wanted["mode"] or ("0755" if wanted["state"] == "directory" else "0644")
    attributes = {"path": str(path), "mode": mode, "owner": wanted["owner"], "group": None}
    attributes |= {"secontext": [None, None, None], "attributes": None}
    return module.set_fs_attributes_if_different(attributes, changed)


if __name__ == "__main__":
    main()
