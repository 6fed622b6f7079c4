#!/usr/bin/python3
"""The pages of the wire format say what the headers say: every frame and record by its
number, every limit, and every member of a shared structure at its offset.

The headers are asked by compiling a small program against them."""
import os
import re
import subprocess
import tempfile
import unittest

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
PROBE = """#include "wire/frame.h"
#include "wire/msg.h"
#include "wire/page.h"
#include <stdio.h>
int main(void)
{
%s
	return 0;
}
"""

def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return file.read()


def without_comments(text):
    return re.sub(r"/\*.*?\*/", "", text, flags=re.S)


def ask(expressions):
    """The value of each, as the compiler has it."""
    lines = "\n".join(f'\tprintf("%llu\\n", (unsigned long long)({text}));'
                      for text in expressions)
    with tempfile.TemporaryDirectory() as folder:
        source, program = os.path.join(folder, "probe.c"), os.path.join(folder, "probe")
        with open(source, "w", encoding="utf-8") as file:
            file.write(PROBE % lines)
        subprocess.run(["cc", "-I", ROOT, "-o", program,
                        source], check=True)
        done = subprocess.run([program], check=True, capture_output=True, text=True)
    return [int(line) for line in done.stdout.split()]


def names(header, enum):
    body = re.search(rf"enum {enum} \{{(.*?)\n\}};", without_comments(read("wire", header)),
                     re.S).group(1)
    return re.findall(r"\bRH_\w+", body)


def members(header, struct):
    """The members of a structure, but for what is reserved."""
    body = re.search(rf"struct {struct} \{{(.*?)\n\}};",
                     without_comments(read("wire", header)), re.S).group(1)
    found = re.findall(r"(\w+)(?:\[\w+\])?;", body)
    return [name for name in found if name != "reserved"]


def rows(text, head):
    """The cells of the table that begins with this line."""
    lines = text[text.index(head):].splitlines()[2:]
    table = []
    for line in lines:
        if not line.startswith("|"):
            break
        table.append([cell.strip() for cell in line.strip("|").split("|")])
    return table


class Frames(unittest.TestCase):
    def numbered(self, enum, prefix, last=None):
        found = [name for name in names("frame.h", enum) if name != last]
        return {name.replace(prefix, ""): number
                for name, number in zip(found, ask(found))}

    def test_every_frame_and_record_by_its_number(self):
        said = dict(re.findall(r"^\| (\d+) \| `(\w+)` \|", read("docs", "frames.md")
                               .split("## Records")[0], re.M))
        self.assertEqual({name: int(number) for number, name in said.items()},
                         self.numbered("rh_frame_type", "RH_FRAME_"))
        said = dict(re.findall(r"^\| (\d+) \| `(\w+)` \|", read("docs", "frames.md")
                               .split("## Records")[1], re.M))
        self.assertEqual({name: int(number) for number, name in said.items()},
                         self.numbered("rh_tag", "RH_TAG_", "RH_TAGS"))

    def test_every_record_of_a_frame_is_one(self):
        known = set(self.numbered("rh_tag", "RH_TAG_")) | set(
            self.numbered("rh_frame_type", "RH_FRAME_")) | {"NAME"}
        text = re.sub(r"`NAME=value`", "", read("docs", "frames.md"))
        self.assertEqual(set(re.findall(r"`([A-Z_]+)`", text)) - known, set())

    def test_records_as_the_header_has_them(self):
        """The comment of each frame names the records that the page names."""
        text = read("wire", "frame.h")
        tags = set(self.numbered("rh_tag", "RH_TAG_"))
        for name in self.numbered("rh_frame_type", "RH_FRAME_"):
            comment = re.search(rf"RH_FRAME_{name}\b[^/]*?/\*(.*?)\*/", text, re.S).group(1)
            line = re.search(rf"^\| \d+ \| `{name}` \|(.*)$", read("docs", "frames.md"),
                             re.M).group(1)
            with self.subTest(name):
                self.assertEqual(set(re.findall(r"\b[A-Z_]{3,}\b", comment)) & tags,
                                 set(re.findall(r"`([A-Z_]+)`", line)) & tags)


class BpfFrames(unittest.TestCase):
    """Of rhodes-bpf's own socket."""

    def test_every_frame_and_record_by_its_number(self):
        text = without_comments(read("rules", "ebpf", "frame.h"))
        expected = {}
        for enum, prefix in (("rh_bpf_frame", "RH_BPF_"), ("rh_bpf_tag", "RH_BPF_TAG_")):
            body = re.search(rf"enum {enum} \{{(.*?)\n\}};", text, re.S).group(1)
            number = int(re.search(r"= (\d+)", body).group(1))
            for i, name in enumerate(re.findall(r"\bRH_\w+", body)):
                if not name.startswith("RH_BPF_CHILD"):
                    expected[number + i] = name.replace(prefix, "")
        said = dict(re.findall(r"^\| (\d+) \| `(\w+)` \|", read("docs", "bpf-frames.md"),
                               re.M))
        self.assertEqual({int(number): name for number, name in said.items()}, expected)


class Limits(unittest.TestCase):
    def test_every_limit(self):
        found = re.findall(r"#define RH_(\w+)\s+\(*\d", read("wire", "limits.h"))
        found = [name for name in found if not name.endswith("VERSION")]
        said = {cells[0].strip("`"): int(cells[1])
                for cells in rows(read("docs", "wire.md"), "| `RH_` | | |")}
        self.assertEqual(said, dict(zip(found, ask([f"RH_{name}" for name in found]))))


class Structures(unittest.TestCase):
    def setUp(self):
        self.text = read("docs", "wire.md")

    def offsets(self, header, struct):
        found = members(header, struct)
        return set(ask([f"offsetof(struct {struct}, {name})" for name in found]))

    def said(self, head, column=0):
        return {int(cells[column]) for cells in rows(self.text, head) if cells[column]}

    def test_frame(self):
        self.assertEqual(self.said("| offset | size | field |"),
                         self.offsets("frame.h", "rh_frame_head"))

    def test_slot(self):
        head = "| request | | answer (at 448) | |"
        self.assertEqual(self.said(head), self.offsets("page.h", "rh_slot_request"))
        self.assertEqual(self.said(head, 2), self.offsets("page.h", "rh_slot_answer"))
        self.assertEqual(ask(["offsetof(struct rh_slot, answer)"]), [448])

    def test_page(self):
        head = "| offset | written by | holds |"
        self.assertEqual(self.said(head), self.offsets("page.h", "rh_page_head"))

    def test_message(self):
        found = members("msg.h", "rh_msg_head")
        offsets = ask([f"offsetof(struct rh_msg_head, {name})" for name in found])
        sizes = ask([f"sizeof ((struct rh_msg_head *)0)->{name}" for name in found])
        said = [(int(cells[0]), *re.fullmatch(r"(\w+) [ui](\d+)", cells[1]).groups())
                for cells in rows(self.text, "| offset | field | |")]
        self.assertEqual([(offset, name, int(bits) // 8) for offset, name, bits in said],
                         list(zip(offsets, found, sizes)))


if __name__ == "__main__":
    unittest.main()
