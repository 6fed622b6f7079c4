"""Step 3: the rule.  A driver that references a service is refused, with the reason; an
exception makes it possible, and the audit log knows.
"""
import json

from stage import run
from step_parser import end_with_nul
from system import System

DRIVER = """
kind: Resource
metadata: {name: disk_driver}
spec: {type: driver, reference: [magic]}
"""
REASON = "the tour shows an exception"
EXCEPTION = f"""
kind: Rule
metadata: {{name: disk-driver-magic}}
spec: {{exception: {{edge: [disk_driver, magic], reason: {REASON}}}}}
"""
AT_ONCE = """
kind: Rule
metadata: {name: hierarchy}
spec:
  hierarchy:
    allow: [[application, service], [application, driver], [application, hardware],
            [service, driver], [service, hardware], [driver, hardware]]
    grace: 0s
"""
NAMES = end_with_nul([b"/bin/true", b"/etc/passwd"])


def refusal(stage, system):
    report = stage.report
    refused = system.apply(DRIVER)
    text = refused.stderr.decode()
    report.check("a driver that references a service is refused, and the pair, the rule "
                 "and its revision are named",
                 refused.code != 0 and all(word in text for word in
                                           ("disk_driver", "magic", "hierarchy",
                                            "revision")), text)
    report.check("nothing of it was registered",
                 system.try_rhodes("get", "resources", "disk_driver").code != 0)
    answer = system.json("explain", "disk_driver", "magic")
    decided = answer.get("decidedBy", {})
    report.check("rhodes explain says the same",
                 not answer["allowed"] and "hierarchy" in json.dumps(answer) and
                 "refused" in json.dumps(answer),
                 system.rhodes("explain", "disk_driver", "magic"))
    report.check("rhodes can-i answers no with its exit code",
                 system.try_rhodes("can-i", "disk_driver", "magic").code == 1)
    return decided


def exception(stage, system, program, plain):
    report = stage.report
    system.apply(EXCEPTION)
    applied = system.apply(DRIVER)
    report.check("an exception for this edge, with a reason, makes it possible",
                 applied.code == 0, (applied.stdout + applied.stderr).decode())
    governed = run([*system.prefix("disk_driver"), program], NAMES, env=system.env)
    difference = plain.difference(governed)
    report.check("the driver calls the service and gets what it gets without Rhodes",
                 difference is None, difference or "")
    entries = [item["entry"] for item in system.json("get", "audit")["items"]]
    seen = [entry for entry in entries if "disk" in json.dumps(entry)]
    report.check("the audit log has the refusal and the exception with its reason",
                 any(entry["result"] == "refused" for entry in seen) and
                 any(REASON in json.dumps(entry) for entry in seen),
                 "\n".join(json.dumps(entry) for entry in seen[:3]))


def matrix(stage, system):
    report = stage.report
    # Two handles opened, loaded and closed, four settings and a version asked for, and
    # four questions about each of the two names.
    expected = 2 * 3 + 4 + 4 * 2
    edge = system.edge("disk_driver", "magic", calls=expected)
    report.note(system.rhodes("matrix"))
    report.note(system.rhodes("matrix", "--plane", "observed"))
    report.check("the matrix prints as in the papers, with the observed calls counted",
                 edge["observed"] == expected, f"{edge['observed']} calls")


def taken_back(stage, system, program):
    """At once: step 6 shows what happens with a grace."""
    report = stage.report
    system.apply(AT_ONCE)
    system.rhodes("delete", "rule", "disk-driver-magic")
    governed = run([*system.prefix("disk_driver"), program], NAMES, env=system.env)
    report.check("without the exception the program gets an error in its own terms",
                 governed.code == 1 and b"magic" in governed.stderr,
                 governed.stderr.decode())


def step(stage):
    report = stage.report
    report.step("rule", "application -> service -> driver -> hardware")
    report.begin()
    program = stage.program("magic_linked")
    plain = run([program], NAMES)
    report.check("without Rhodes nothing keeps a driver from calling a service",
                 plain.code == 0)
    if stage.options.plain:
        return
    system = System(stage)
    report.check("the system is up", True, system.path("magic"))
    refusal(stage, system)
    exception(stage, system, program, plain)
    matrix(stage, system)
    taken_back(stage, system, program)
