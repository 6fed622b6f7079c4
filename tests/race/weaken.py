#!/usr/bin/python3
"""Weakens every acquire/release pair once and says whether a test notices.

    tests/race/weaken.py [name ...]        (about five minutes; not part of ./test)

Each entry replaces one text of one source in a copy of the tree; then the race programs run
under ThreadSanitizer, and without it, over the protocols that use the code.  README.md beside
this file records the outcome.
"""
import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

from tree import Tree, run  # pylint: disable=wrong-import-position

RELAXED = "memory_order_relaxed"

# name, file, text before the order, the order, what it becomes, protocols; "serve" is the
# program serve_race
WEAKENINGS = [
    ("ring P1 put", "protocols/shm/ring.c",
     "atomic_store_explicit(&out->memory->tail, out->tail, ", "seq_cst", RELAXED, "shm"),
    ("ring P1 take", "protocols/shm/ring.c",
     "atomic_load_explicit(&in->memory->tail, ", "seq_cst", RELAXED, "shm"),
    ("ring P2 drop", "protocols/shm/ring.c",
     "atomic_store_explicit(&in->memory->head, in->head, ", "seq_cst", RELAXED, "shm"),
    ("ring P2 put", "protocols/shm/ring.c",
     "atomic_load_explicit(&out->memory->head, ", "seq_cst", RELAXED, "shm"),
    ("arena P3 drop", "protocols/shm/ring.c",
     "atomic_store_explicit(&in->memory->released, in->released,\n\t\t                      ",
     "seq_cst", RELAXED, "shm"),
    ("arena P3 release of msgqueue", "protocols/msgqueue/msgqueue.c",
     "atomic_store_explicit(&queue->in->released, queue->released,\n\t                      ",
     "seq_cst", RELAXED, "msgqueue"),
    ("arena P3 give", "protocols/arena.c",
     "atomic_load_explicit(arena->released, ", "seq_cst", RELAXED, "shm msgqueue"),
    ("doorbell P4 tail, then nap", "protocols/shm/ring.c",
     "atomic_store_explicit(&out->memory->tail, out->tail, ", "seq_cst",
     "memory_order_release", "shm"),
    ("doorbell P4 head, then nap", "protocols/shm/ring.c",
     "atomic_store_explicit(&in->memory->head, in->head, ", "seq_cst",
     "memory_order_release", "shm"),
    ("doorbell P4 nap, then look", "protocols/doorbell.c",
     "atomic_store_explicit(nap->word, nap->count, ", "seq_cst",
     "memory_order_release", "shm"),
    ("doorbell P4 ring", "protocols/doorbell.c",
     "atomic_load_explicit(bell->word, ", "seq_cst", RELAXED, "shm"),
    ("side P6 close", "protocols/side.c",
     "atomic_store_explicit(&side->mine->closed, 1, ", "release", RELAXED, "shm"),
    ("side P6 closed", "protocols/side.c",
     "atomic_load_explicit(&side->theirs->closed, ", "acquire", RELAXED, "shm"),
    ("page P1 submit", "protocols/page/caller.c",
     "RH_SLOT_WORD(end->sequences[slot], state),\n\t                         ", "seq_cst",
     RELAXED, "bind"),
    ("page P1 take", "protocols/page/server.c",
     "atomic_load_explicit(&next_slot(end)->request.word,\n\t                            ",
     "seq_cst", RELAXED, "bind"),
    ("page P2 finish", "protocols/page/server.c",
     "RH_SLOT_WORD(sequence, RH_SLOT_DONE),\n\t                         ", "seq_cst",
     RELAXED, "bind"),
    ("page P2 collect", "protocols/page/caller.c",
     "atomic_load_explicit(&end->page.slots[slot].answer.word,\n\t                            ",
     "acquire", RELAXED, "bind"),
    ("serve is_let_go, thread", "sdk/c/serve_thread.c",
     "atomic_store_explicit(&page->is_let_go, 1, ", "release", RELAXED, "serve"),
    ("serve is_let_go, control", "sdk/c/serve.c",
     "if (!atomic_load_explicit(&page->is_let_go, ", "acquire", RELAXED, "serve"),
    ("null P1 submit", "protocols/null/null.c",
     "atomic_store_explicit(&way->tail, tail + 1, ", "release", RELAXED, "null"),
    ("null P1 poll", "protocols/null/null.c",
     "return atomic_load_explicit(&way->tail, ", "acquire", RELAXED, "null"),
    ("null P2 release", "protocols/null/null.c",
     "atomic_fetch_add_explicit(&null->channel->ways[!null->which].head, 1,\n\t                          ",
     "release", RELAXED, "null"),
    ("null P2 submit", "protocols/null/null.c",
     "if (tail - atomic_load_explicit(&way->head, ", "acquire", RELAXED, "null"),
]

# What a pair between two atomics orders is no data race, and a load is the same instruction on
# x86 whatever its order: there the exchange becomes a plain store, or the second look that the
# pair is for goes.  name, file, old, new, protocols
REMOVALS = [
    ("page P3 submit, then asleep", "protocols/page/caller.c",
     """atomic_exchange_explicit(&end->page.slots[slot].request.word,
	                         RH_SLOT_WORD(end->sequences[slot], state),
	                         memory_order_seq_cst);""",
     """atomic_store_explicit(&end->page.slots[slot].request.word,
	                         RH_SLOT_WORD(end->sequences[slot], state),
	                         memory_order_release);""", "bind"),
    ("page P3 asleep, then look", "protocols/page/server.c",
     """atomic_exchange_explicit(&end->page.head->server.asleep, (uint32_t)how,
	                         memory_order_seq_cst);""",
     """atomic_store_explicit(&end->page.head->server.asleep, (uint32_t)how,
	                         memory_order_release);""", "bind"),
    ("page P4 finish, then asleep", "protocols/page/server.c",
     """atomic_exchange_explicit(&end->page.slots[slot].answer.word,
	                         RH_SLOT_WORD(sequence, RH_SLOT_DONE),
	                         memory_order_seq_cst);""",
     """atomic_store_explicit(&end->page.slots[slot].answer.word,
	                         RH_SLOT_WORD(sequence, RH_SLOT_DONE),
	                         memory_order_release);""", "bind"),
    ("page P4 asleep, then look", "protocols/page/caller.c",
     """atomic_exchange_explicit(&end->page.head->caller.asleep, RH_ASLEEP_EVENT,
	                         memory_order_seq_cst);""",
     """atomic_store_explicit(&end->page.head->caller.asleep, RH_ASLEEP_EVENT,
	                         memory_order_release);""", "bind"),
    ("page P5 the second look of take", "protocols/page/server.c",
     "return next_word(end) == RH_SLOT_WORD(end->next, RH_SLOT_SUBMITTED)\n"
     "\t       ? RH_OK : RH_ECANCELED;", "return RH_OK;", "bind"),
    ("page P5 the barrier of cancel", "protocols/page/caller.c",
     "if (!server_is_gone && !barrier_everywhere())",
     "if (!server_is_gone && (0 && !barrier_everywhere()))", "bind"),
    ("page P6 the barrier of retire", "protocols/page/page.c",
     "return syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0) == 0;",
     "return 1;", "bind"),
    ("page P6 claim, life before busy", "protocols/page/caller.c",
     '''	atomic_store_explicit(&head->by_caller.busy, end->claims, memory_order_release);
	atomic_signal_fence(memory_order_seq_cst);
	return atomic_load_explicit(&head->server.life, memory_order_acquire) ==
	       RH_PAGE_LIVE;''',
     '''	int is_live = atomic_load_explicit(&head->server.life, memory_order_acquire) ==
	              RH_PAGE_LIVE;

	atomic_signal_fence(memory_order_seq_cst);
	atomic_store_explicit(&head->by_caller.busy, end->claims, memory_order_release);
	return is_live;''', "bind"),
    ("turn C2, C3 the barrier", "sdk/c/turn.h",
     "return syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;",
     "return 1;", "bind"),
    ("P6 the second look of shm", "protocols/shm/shm.c",
     "r = rh_ring_take(&shm->in, ret_head, ret_body);\n\t\tif (r == RH_EAGAIN)\n"
     "\t\t\tr = RH_ELOST;", "r = RH_ELOST;", "shm"),
    ("P4 the look after the nap began", "protocols/shm/shm.c",
     "rh_ring_look(&shm->in) != 0", "0", "shm"),
    ("P4 the look for room", "protocols/shm/shm.c",
     "rh_ring_has_room(&shm->out, shm->side.wanted) != 0", "0", "shm"),
    ("serve the lock of a lookout's pages", "sdk/c/serve_lookout.c",
     """	pthread_mutex_lock(&lookout->lock);
	for (uint32_t i = 0; i < count; i++) {
		lookout->pages[i] = pages[i];
		lookout->seen[i] = atomic_load_explicit(
			&pages[i]->end.page.head->caller.server_bell,
			memory_order_seq_cst) - 1; /* looks once, to be sure */
	}
	lookout->count = count;
	pthread_mutex_unlock(&lookout->lock);
""", """	for (uint32_t i = 0; i < count; i++) {
		lookout->pages[i] = pages[i];
		lookout->seen[i] = atomic_load_explicit(
			&pages[i]->end.page.head->caller.server_bell,
			memory_order_seq_cst) - 1; /* looks once, to be sure */
	}
	lookout->count = count;
""", "serve"),
    ("serve the lock of a caller's objects", "sdk/c/serve_caller.c",
     """	pthread_mutex_lock(&caller->lock);
	if (!find_pointer(caller, type, pointer, &index))
		r = add(caller, type, pointer, &index);
	if (r == RH_OK)
		*ret_id = id_of(caller, index);
	pthread_mutex_unlock(&caller->lock);
""", """	if (!find_pointer(caller, type, pointer, &index))
		r = add(caller, type, pointer, &index);
	if (r == RH_OK)
		*ret_id = id_of(caller, index);
""", "serve"),
    ("serve a caller is buried while its pages are served", "sdk/c/serve.c",
     "if (caller->pages > 0 || !(caller->has_ended || caller->pidfd < 0)) {",
     "if (!(caller->has_ended || caller->pidfd < 0)) {", "serve"),
    ("session S2 a descriptor is closed while it is polled", "sdk/c/session.c",
     "if (session->is_receiving && session->left_fd < 0) {", "if (0) {", "serve"),
    ("session S4 no lock for the edge", "sdk/c/session.c",
     """	pthread_mutex_lock(&rh_session.lock);
	if (callee->is_emitter)
		callee->opened = (struct rh_opened){ RH_EDGE_EMIT, rh_session.generation };
	*ret_opened = callee->opened;
	r = callee->opened.generation == rh_session.generation;
	ret_opened->generation = rh_session.generation;
	pthread_mutex_unlock(&rh_session.lock);
""", """	*ret_opened = callee->opened;
	r = callee->opened.generation == rh_session.generation;
	ret_opened->generation = rh_session.generation;
""", "serve"),
]


def verdict(tree, command):
    """What a race program says of the change; "" when it notices nothing."""
    status, text = run(command, tree, 100)
    if "WARNING: ThreadSanitizer: data race" in text:
        return "data race"
    if status is None:
        return "does not end"
    for line in text.splitlines():
        if status != 0 and line.startswith("ERROR: "):
            return line.removeprefix("ERROR: ")
    return "" if status == 0 else f"fails with {status}"


def look(tree, protocols):
    """What the race programs say of the copy as it is now, in both builds."""
    found = []
    programs = ["serve_race"] if protocols == "serve" else ["protocol_race", "order_race"]
    for build in "build-race", "build":
        output = tree.build(build, [f"tests/race/{program}" for program in programs])
        if output:
            return ["does not compile: " + output[-300:]]
        sanitized = "TSan " if build == "build-race" else ""
        if protocols == "serve":
            commands = [[f"{build}/tests/race/serve_race"]]
        else:
            commands = [[f"{build}/tests/race/protocol_race", name]
                        for name in protocols.split()]
        if not sanitized and protocols not in ("null", "serve"):
            commands += [[f"{build}/tests/race/order_race"]] * 3
        for command in commands:
            said = verdict(tree.place, command)
            line = f"{sanitized}{' '.join(os.path.basename(word) for word in command)}: {said}"
            if said and line not in found:
                found.append(line)
    return found


def try_one(tree, name, path, old, new, protocols):
    try:
        with tree.changed(path, old, new):
            found = look(tree, protocols)
    except ValueError as fault:
        return f"{name}: {fault}"
    return f"{name}: " + ("; ".join(found) or "NOT NOTICED")


def main(wanted):
    with tempfile.TemporaryDirectory(prefix="rhodes-weaken-") as place:
        tree = Tree(place)
        output = (tree.setup("build", "-Dtests=true") or
                  tree.setup("build-race", "-Dtests=true", "-Db_sanitize=thread"))
        if output:
            sys.exit("the copy cannot be configured:\n" + output[-2000:])
        jobs = [(name, path, old + "memory_order_" + order, old + new, protocols)
                for name, path, old, order, new, protocols in WEAKENINGS] + REMOVALS
        for job in jobs:
            if not wanted or any(word in job[0] for word in wanted):
                print(try_one(tree, *job), flush=True)


if __name__ == "__main__":
    os.environ["TSAN_OPTIONS"] = "halt_on_error=1"
    main(sys.argv[1:])
