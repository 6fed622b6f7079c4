#include "verb.h"

#define NONE   RH_COMPLETE_NOTHING
#define FILES  RH_COMPLETE_FILE
#define FORMAT { "output", 'o', "FORMAT", "json, yaml, name or wide", RH_COMPLETE_FORMAT }
#define JSON_OUT { "output", 'o', "FORMAT", "json or yaml", RH_COMPLETE_JSON }
#define LAST   { 0 }

#define INTERFACE_PATH                                                            \
	{ "interface-path", 'I', "DIR", "look here too for <interface>.side files", \
	  FILES }

static const struct rh_option up_options[] = {
	{ "detach", 'd', NULL, "return when the system is ready", NONE },
	{ "file", 'f', "FILE", "a manifest; the same as a word", FILES },
	INTERFACE_PATH,
	{ "observe", 0, NULL, "as root: keep `rhodes observe` running, too", NONE },
	{ "enforce", 0, "NAME=/CGROUP", "the same, with this option of it", NONE },
	{ "strict", 0, NULL, "the same", NONE },
	{ "pool", 0, "N", "N agents to a process, not a process each (up to 4096)", NONE },
	{ "tcp", 0, "ADDRESS", "REST on 127.0.0.1:PORT too, for who has the token",
	  NONE },
	{ "timeout", 't', "SECONDS", "give up when not ready by then (default 60)",
	  NONE },
	LAST,
};

static const struct rh_option down_options[] = {
	{ "timeout", 't', "SECONDS", "stop waiting after that long (default 60)", NONE },
	LAST,
};

static const struct rh_option run_options[] = {
	{ "wait", 'w', "SECONDS", "wait that long for the system and the resource",
	  NONE },
	{ "print", 'p', NULL, "print the environment instead of running", NONE },
	{ "resource", 'r', "RESOURCE", "the resource, instead of the first word",
	  RH_COMPLETE_RESOURCE },
	{ "sched", 0, "POLICY", "rule of its threads: cfs, eevdf, deadline, fifo or rr", NONE },
	{ "carrier", 0, "CARRIER", "host or fiber; with --sched also sched_ext", NONE },
	LAST,
};

static const struct rh_option serve_options[] = {
	{ "workers", 'n', "N", "so many instances (default: as registered)", NONE },
	{ "one", '1', NULL, "become one instance, without restarts", NONE },
	{ "check", 'c', NULL, "only load the library and compare; 0: it would do", NONE },
	{ "resource", 'r', "RESOURCE", "the resource; the words are the file that serves it",
	  RH_COMPLETE_RESOURCE },
	{ "wait", 'w', "SECONDS", "wait that long for the system and the resource",
	  NONE },
	LAST,
};

static const struct rh_option restart_options[] = {
	{ "timeout", 't', "SECONDS", "stop waiting after that long (default 60)", NONE },
	LAST,
};

static const struct rh_option get_options[] = {
	FORMAT,
	{ "selector", 'l', "LABEL[=VALUE]", "only objects with this label", NONE },
	{ "limit", 0, "N", "audit: only the last N entries (default 50)", NONE },
	{ "no-header", 0, NULL, "leave the line of headings out", NONE },
	LAST,
};

static const struct rh_option output_options[] = { JSON_OUT, LAST };

static const struct rh_option apply_options[] = {
	{ "file", 'f', "FILE", "manifest, folder of manifests, or - (repeatable)",
	  FILES },
	{ "dry-run", 0, NULL, "check everything, change nothing", NONE },
	INTERFACE_PATH,
	JSON_OUT,
	LAST,
};

static const struct rh_option diff_options[] = {
	{ "file", 'f', "FILE", "manifest, folder of manifests, or - (repeatable)",
	  FILES },
	INTERFACE_PATH,
	JSON_OUT,
	LAST,
};

static const struct rh_option delete_options[] = {
	{ "file", 'f', "FILE", "delete what this manifest declares", FILES },
	{ "dry-run", 0, NULL, "check everything, change nothing", NONE },
	{ "ignore-missing", 0, NULL, "no error when it is not there", NONE },
	LAST,
};

static const struct rh_option rollout_options[] = {
	{ "to", 0, "GENERATION", "undo: back to this one", NONE },
	JSON_OUT,
	LAST,
};

static const struct rh_option rule_options[] = {
	{ "hook", 0, "HOOK", "new, publish FILE: filter (default of new), cache or user", NONE },
	{ "lang", 0, "LANGUAGE", "new: c (default), c++, rust, assemblyscript or verilog", NONE },
	{ "calls", 0, "N", "record: end after N calls (default 1000)", NONE },
	{ "inputs", 0, "FILE", "test: calls, instead of the project's; - reads them",
	  FILES },
	{ "fuel", 0, "N", "test: fuel for a call, where it counts (1000000000)", NONE },
	{ "directory", 'd', "DIR", "pull: the folder to make (default: the name)", FILES },
	{ "once", '1', NULL, "top: print one table of totals and end", NONE },
	{ "interval", 'i', "SECONDS", "top: time between two tables (default 2)", NONE },
	{ "maps", 0, NULL, "top RULE of eBPF: once, and where it is attached, its maps", NONE },
	{ "follow", 'f', NULL, "log: keep printing what is added", NONE },
	{ "lines", 'n', "N", "log: only the last N lines", NONE },
	{ "output", 'o', "FORMAT", "json, yaml or name; record: the file (recorded.jsonl)",
	  RH_COMPLETE_FORMAT },
	LAST,
};

static const struct rh_option matrix_options[] = {
	{ "plane", 0, "PLANE", "declared, allowed (default) or observed",
	  RH_COMPLETE_PLANE },
	JSON_OUT,
	LAST,
};

static const struct rh_option observe_options[] = {
	{ "enforce", 0, "NAME=/CGROUP", "let that cgroup connect as the resource may call",
	  NONE },
	{ "strict", 0, NULL, "enforce: refuse what is no resource's, too", NONE },
	{ "interval", 'i', "SECONDS", "time between two looks (default 1)", NONE },
	LAST,
};

static const struct rh_option top_options[] = {
	{ "threads", 0, "RESOURCE", "the threads that a rule schedules, instead of edges",
	  RH_COMPLETE_RESOURCE },
	{ "once", '1', NULL, "print one table of totals and end", NONE },
	{ "interval", 'i', "SECONDS", "time between two tables (default 2)", NONE },
	{ "output", 'o', "FORMAT", "json or yaml; of threads wide, too", RH_COMPLETE_FORMAT },
	LAST,
};

static const struct rh_option trace_options[] = {
	{ "count", 'n', "N", "end after N calls, or steps (default: until Ctrl-C)", NONE },
	{ "callee", 'c', "RESOURCE", "only calls to this one", RH_COMPLETE_RESOURCE },
	{ "push", 'p', NULL, "no calls, but how rules are subscribed to and published",
	  NONE },
	{ "sched", 's', NULL, "no calls, but how its threads are scheduled under fiber", NONE },
	LAST,
};

static const struct rh_option watch_options[] = {
	{ "from", 0, "REVISION", "first what changed since; 0: all there is (default: now)",
	  NONE },
	{ "output", 'o', "FORMAT", "json (an object a line) or table",
	  RH_COMPLETE_LINES },
	LAST,
};

static const struct rh_option logs_options[] = {
	{ "follow", 'f', NULL, "keep printing what is added", NONE },
	{ "lines", 'n', "N", "only the last N lines", NONE },
	LAST,
};

static const struct rh_option doctor_options[] = { JSON_OUT, LAST };

const struct rh_verb rh_verbs[] = {
	{ .name = "up",
	  .words = "[MANIFEST...]",
	  .options = up_options,
	  .run = rh_verb_up,
	  .word_most = 1000,
	  .complete = { FILES, FILES, FILES },
	  .help = "Start a system: center, agents and the services of its manifests",
	  .about = "Stays in the foreground with one log of everything until Ctrl-C or\n"
	           "`rhodes down`; what dies is restarted.  Manifests given here are\n"
	           "applied first; what was applied earlier is still there." },
	{ .name = "down",
	  .words = "",
	  .options = down_options,
	  .run = rh_verb_down,
	  .help = "Stop the system in order and wait until it is gone",
	  .about = "Services end first, then agents, then the center.  What was applied\n"
	           "stays stored and is there again after the next `rhodes up`." },
	{ .name = "run",
	  .words = "RESOURCE -- PROGRAM [ARGUMENT...]",
	  .options = run_options,
	  .run = rh_verb_run_program,
	  .word_least = 1,
	  .word_most = 100000,
	  .complete = { RH_COMPLETE_RESOURCE, RH_COMPLETE_COMMAND },
	  .help = "Run a program as a resource, its references in front",
	  .about = "Puts the shadow libraries of what RESOURCE references in front of\n"
	           "the real ones and becomes PROGRAM: pid, standard input and output\n"
	           "are untouched." },
	{ .name = "serve",
	  .words = "RESOURCE | -r RESOURCE FILE [ARGUMENT...]",
	  .options = serve_options,
	  .run = rh_verb_serve,
	  .word_least = 1,
	  .word_most = 100000,
	  .complete = { RH_COMPLETE_RESOURCE, FILES },
	  .help = "Serve a resource in the foreground: its library, or a program",
	  .about = "Runs its workers, or FILE (a .py, .js, .class or .jar, or a program), as\n"
	           "`rhodes up` would, until Ctrl-C; what dies is restarted.  The agent of\n"
	           "the resource must be running." },
	{ .name = "restart",
	  .words = "RESOURCE",
	  .options = restart_options,
	  .run = rh_verb_restart,
	  .word_least = 1,
	  .word_most = 1,
	  .complete = { RH_COMPLETE_RESOURCE },
	  .help = "Restart the instances of a resource, one after the other",
	  .about = "Each finishes the calls that it runs; the next one waits until the one\n"
	           "in its place serves.  Needed when something that its library depends\n"
	           "on changed; a library that is replaced itself is noticed." },
	{ .name = "get",
	  .words = "resources|rules|interfaces|agents|modules|audit [NAME]",
	  .options = get_options,
	  .run = rh_verb_get,
	  .word_least = 1,
	  .word_most = 2,
	  .complete = { RH_COMPLETE_KIND, RH_COMPLETE_OBJECT },
	  .help = "List objects, or show one",
	  .about = "A table on a terminal; -o json and -o yaml give the objects as the\n"
	           "center keeps them, -o name one KIND/NAME a line." },
	{ .name = "describe",
	  .words = "[KIND] NAME",
	  .options = output_options,
	  .run = rh_verb_describe,
	  .word_least = 1,
	  .word_most = 2,
	  .complete = { RH_COMPLETE_RESOURCE, RH_COMPLETE_OBJECT },
	  .help = "Tell everything about one object",
	  .about =
	          "For a resource: what it is, whom it calls and who calls it, by which\n"
	          "rule and protocol, its agent, its instances and its conditions.\n"
	          "KIND is resource, rule or interface; without it all are searched." },
	{ .name = "apply",
	  .words = "-f FILE",
	  .options = apply_options,
	  .run = rh_verb_apply,
	  .word_most = 1000,
	  .complete = { FILES, FILES, FILES },
	  .help = "Make the system match manifests, all of them or nothing",
	  .about = "Applying the same again changes nothing.  A resource that names an\n"
	           "interface gets its shadow library and skeleton built from the\n"
	           "<interface>.side file beside the manifest, or from the file that it names\n"
	           "itself: interface: pricing.py." },
	{ .name = "diff",
	  .words = "-f FILE",
	  .options = diff_options,
	  .run = rh_verb_diff,
	  .word_most = 1000,
	  .complete = { FILES, FILES, FILES },
	  .help = "Tell what applying manifests would change; exit code 1: something",
	  .about = "Per object which fields, and which edges would change from what to\n"
	           "what, in which step of a rule that comes step by step.  Nothing is\n"
	           "changed; a refusal is the one that `apply` would get." },
	{ .name = "delete",
	  .words = "KIND NAME... | -f FILE",
	  .options = delete_options,
	  .run = rh_verb_delete,
	  .word_most = 1000,
	  .complete = { RH_COMPLETE_KIND, RH_COMPLETE_OBJECT },
	  .help = "Delete an object",
	  .about = "With -f everything that the manifest declares, last first; an\n"
	           "interface only when it stands there itself." },
	{ .name = "rollout",
	  .words = "status|history|pause|resume|undo [RULE]",
	  .options = rollout_options,
	  .run = rh_verb_rollout,
	  .word_least = 1,
	  .word_most = 2,
	  .complete = { RH_COMPLETE_ROLLOUT, RH_COMPLETE_RULE },
	  .help = "Show how far a rule is, stop it, let it go on, take it back",
	  .about = "status: at which edge and agent the rule is in force, and why not;\n"
	           "without RULE all that come step by step.  history: what the rule said\n"
	           "before.  pause and resume: stand still in a step and go on.  undo: the\n"
	           "last generation that every edge had is the rule again, everywhere." },
	{ .name = "rule",
	  .words = "new|record|test|publish|pull|list|top|log|maps ...",
	  .options = rule_options,
	  .run = rh_verb_rule,
	  .word_least = 1,
	  .word_most = 3,
	  .complete = { RH_COMPLETE_PROGRAM, FILES },
	  .help = "Write a rule that is a program, test and publish it, get it back",
	  .about = "new NAME: makes a project, a folder with source, headers and rule.yaml.\n"
	           "record CALLER [CALLEE]: writes calls of a live edge into recorded.jsonl (or\n"
	           "-o FILE), with their bytes, to test with.\n"
	           "test DIR|FILE: builds it and runs it on its inputs in every mode, as native\n"
	           "code and as WebAssembly: are the answers the same, what does a call cost?\n"
	           "publish DIR builds it and gives module and source to the center, which\n"
	           "checks, keeps and signs them; prints the hash for `module:` in a rule.\n"
	           "publish FILE.wasm|.so|.o: without a project.  pull NAME|HASH: module,\n"
	           "source and manifest of a rule, or of a hash, back into a folder.\n"
	           "list: the rules of code.  top [RULE]: calls, cost and failures of each at\n"
	           "each agent.  log RULE: what it wrote lately.  maps RULE [MAP]: the maps of a\n"
	           "rule of eBPF that is attached on this node, or what is in one." },
	{ .name = "matrix",
	  .words = "",
	  .options = matrix_options,
	  .run = rh_verb_matrix,
	  .help = "Print the invocation matrix and the sets A, S, D, H",
	  .about = "Rows call columns.  declared: every reference; allowed: those that "
	           "the\n"
	           "hierarchy or an exception permits; observed: how many calls were "
	           "made." },
	{ .name = "observe",
	  .words = "",
	  .options = observe_options,
	  .run = rh_verb_observe,
	  .help = "Tell the matrix who connects to and executes what, past the agents",
	  .about = "Rules of eBPF see TCP connections and executed programs on this node; which\n"
	           "resources these are is told by allow.exe and listen.  What is seen counts in\n"
	           "the observed plane.  --enforce refuses connections of a cgroup to resources\n"
	           "that the matrix does not allow it to call.  Needs rhodes-bpf, until Ctrl-C." },
	{ .name = "explain",
	  .words = "CALLER CALLEE [FUNCTION]",
	  .options = output_options,
	  .run = rh_verb_explain,
	  .word_least = 2,
	  .word_most = 3,
	  .complete = { RH_COMPLETE_RESOURCE, RH_COMPLETE_RESOURCE },
	  .help = "Tell why one resource may or may not call another",
	  .about = "Prints the verdict, the rule and its revision, and the protocol." },
	{ .name = "can-i",
	  .words = "CALLER CALLEE",
	  .options = output_options,
	  .run = rh_verb_can_i,
	  .word_least = 2,
	  .word_most = 2,
	  .complete = { RH_COMPLETE_RESOURCE, RH_COMPLETE_RESOURCE },
	  .help = "Answer yes (exit code 0) or no (1)",
	  .about = "The same judgement as `explain`, for scripts." },
	{ .name = "top",
	  .words = "",
	  .options = top_options,
	  .run = rh_verb_top,
	  .help = "Watch calls, errors and latency of every edge",
	  .about = "Reads the counters that the agents share; nobody is slowed down." },
	{ .name = "trace",
	  .words = "RESOURCE | --push [RESOURCE] | --sched RESOURCE",
	  .options = trace_options,
	  .run = rh_verb_trace,
	  .word_most = 1,
	  .complete = { RH_COMPLETE_RESOURCE },
	  .help = "Print each step of the calls that a resource makes",
	  .about =
	          "The steps are those of the figures in the papers, with the values of\n"
	          "the parameters.  While a trace runs, the traced calls are slower.\n"
	          "With --push the steps of subscribing to rules and of publishing them,\n"
	          "of every agent or of one, with revisions, bytes and times.  With --sched\n"
	          "each decision about the threads of its programs that run under the\n"
	          "carrier fiber, numbered as the papers' nine steps of scheduling." },
	{ .name = "watch",
	  .words = "resources|rules|interfaces|modules|all [NAME]",
	  .options = watch_options,
	  .run = rh_verb_watch,
	  .word_least = 1,
	  .word_most = 2,
	  .complete = { RH_COMPLETE_WATCHED, RH_COMPLETE_OBJECT },
	  .help = "Print what changes, and where it becomes active, as it happens",
	  .about =
	          "A line for each change, and for each agent where a rule became active,\n"
	          "is on the way, or is rejected and why.  Goes on after the connection\n"
	          "was lost or the center was restarted, until Ctrl-C." },
	{ .name = "logs",
	  .words = "[RESOURCE|center|agent/RESOURCE]",
	  .options = logs_options,
	  .run = rh_verb_logs,
	  .word_most = 1,
	  .complete = { RH_COMPLETE_RESOURCE },
	  .help = "Print the log of the system",
	  .about = "Everything that the processes of the system wrote, each line with "
	           "the\n"
	           "process in front; with a name only the lines of that one." },
	{ .name = "interface",
	  .words = "new|check|build|show|bind ...",
	  .options = NULL,
	  .run = rh_verb_interface,
	  .word_most = 1000,
	  .is_raw = true,
	  .is_local = true,
	  .complete = { RH_COMPLETE_INTERFACE, FILES, FILES },
	  .help = "Make and check interfaces of libraries",
	  .about = "`rhodes interface new libfoo` proposes a side file for an installed\n"
	           "development package; `rhodes interface --help` tells the rest." },
	{ .name = "doctor",
	  .words = "",
	  .options = doctor_options,
	  .run = rh_verb_doctor,
	  .is_local = true,
	  .help = "Find and explain what is wrong, here and in the system",
	  .about =
	          "One line per check: ok, warn or fail, and what to do about it: what this\n"
	          "machine lacks; dead or stopped processes, stale or corrupt caches,\n"
	          "refused edges, rejected rules, limits, versions.  Exit code 1 when\n"
	          "something failed." },
	{ .name = "completion",
	  .words = "bash",
	  .options = NULL,
	  .run = rh_verb_completion,
	  .word_least = 1,
	  .word_most = 1,
	  .is_local = true,
	  .complete = { RH_COMPLETE_SHELL },
	  .help = "Print the completion for a shell",
	  .about = "Use it with: source <(rhodes completion bash)" },
	{ .name = "version",
	  .words = "",
	  .options = NULL,
	  .run = rh_verb_version,
	  .is_local = true,
	  .help = "Print the version",
	  .about = "The version of this program; `rhodes describe` and `rhodes get "
	           "agents`\n"
	           "ask the running system." },
	{ .name = "help",
	  .words = "[VERB]",
	  .options = NULL,
	  .run = rh_verb_help,
	  .word_most = 1,
	  .is_local = true,
	  .complete = { RH_COMPLETE_VERB },
	  .help = "Show the verbs, or how one is used",
	  .about = "The same as `rhodes VERB --help`." },
	{ .name = NULL },
};
