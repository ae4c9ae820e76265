"""Variables of manifests in a real Ansible: none of them is a template, in whatever way it says that it is one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from reconciler.drivers.ansible.trust import guarded

PLAY = """\
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.debug: {msg: "{{ given }}"}
    - ansible.builtin.assert: {that: given | length == expected}
    - ansible.builtin.set_fact: {again: "{{ given | to_json }}"}
    - ansible.builtin.debug: {msg: "{{ item }}"}
      loop: "{{ given }}"
"""


def test_no_string_of_a_manifest_runs_anything_on_this_machine(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    call = f"lookup('pipe', 'touch {ran}')"
    given = [
        f"{{{{ {call} }}}}",
        f"{{% if {call} %}}{{% endif %}}",
        f"#jinja2: variable_start_string:'[%', variable_end_string:'%]'\n[% {call} %]",
        f"#jinja2:block_start_string:'<%', block_end_string:'%>'\n<% if {call} %><% endif %>",
        f"#jinja2:line_statement_prefix:'!'\n! set x = {call}",
        f" #jinja2: variable_start_string:'[%', variable_end_string:'%]'\n[% {call} %]",
        f"# {{# #}} {{{{ {call} }}}}",
        {"inner": [f"#jinja2: variable_start_string:'$(', variable_end_string:')'\n$({call})"]},
        {f"{{{{ {call} }}}}": "a key"},
    ]
    variables = {"given": guarded(given), "expected": len(given)}
    (tmp_path / "variables.json").write_text(json.dumps(variables))
    (tmp_path / "play.yml").write_text(PLAY)
    playbook = Path(sys.executable).with_name("ansible-playbook")
    done = subprocess.run(
        [playbook, "-i", "localhost,", "-c", "local", "-e", "@variables.json", "play.yml"],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert not ran.exists()
    assert "[% lookup(" in done.stdout
