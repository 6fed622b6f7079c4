/* What an object may look like: each refusal with its pointer, each limit on both
 * of its sides. */
#include "../../center/shape.h"
#include "../../center/when.h"
#include "../../model/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Checks one object given as JSON; ' stands for ". */
static int check(const char *text, struct rh_problem *problem)
{
	struct rh_decode decode = { .problem = problem };
	struct rh_wanted wanted;
	json_t          *json = NULL;
	char            *copy = strdup(text);

	assert_non_null(copy);
	for (char *c = copy; *c; c++) {
		if (*c == '\'')
			*c = '"';
	}
	int err = rh_decode_parse(copy, strlen(copy), &json, problem);
	if (err == RH_OK)
		err = rh_shape_check(&decode, json, &wanted);
	assert_int_equal(decode.len, 0); /* every level was left again */
	json_decref(json);
	free(copy);
	return err;
}

static void good(const char *text)
{
	struct rh_problem problem = { 0 };

	if (check(text, &problem) != RH_OK)
		fail_msg("%s: %s", text, problem.detail);
}

static void bad(const char *text, const char *pointer, const char *words)
{
	struct rh_problem problem = { 0 };

	if (check(text, &problem) != RH_EINVAL)
		fail_msg("accepted: %s", text);
	if (strcmp(problem.pointer, pointer) != 0 || !strstr(problem.detail, words))
		fail_msg("%s: pointer %s, detail %s", text, problem.pointer,
		         problem.detail);
}

#define RESOURCE(spec) \
	"{'kind':'Resource','metadata':{'name':'a'},'spec':" spec "}"
#define RULE(name, spec) \
	"{'kind':'Rule','metadata':{'name':'" name "'},'spec':" spec "}"
#define INTERFACE(spec) \
	"{'kind':'Interface','metadata':{'name':'libx'},'spec':" spec "}"
#define HEX16 "0123456789abcdef"
#define HEX64 HEX16 HEX16 HEX16 HEX16

static void resources(void **state)
{
	(void)state;
	good(RESOURCE("{'type':'service'}"));
	good(RESOURCE("{'type':'hardware','privilege':'kernel','reference':['b','c'],"
		"'interface':'lib.x-1','serve':{'library':'libx.so.1','workers':64,"
		"'threads':1,'restart':'on-failure'},'allow':{'uid':[0,4294967294],"
		"'exe':['/usr/bin/file']},'context':{'env':['_A1'],'locale':true},"
		"'agent':{'name':'x'},'node':'n','labels':{'a/b':''},'description':''}"));
	good(RESOURCE("{'type':'driver','serve':{'program':['./nic','','a b']}}"));
	bad(RESOURCE("{}"), "/spec", "\"type\" is missing");
	bad(RESOURCE("[]"), "/spec", "must be an object");
	bad(RESOURCE("{'type':'Service'}"), "/spec/type", "none of application");
	bad(RESOURCE("{'type':7}"), "/spec/type", "must be a string, is an integer");
	bad(RESOURCE("{'type':'service','privilege':'root'}"), "/spec/privilege", "none");
	bad(RESOURCE("{'type':'service','reference':'b'}"), "/spec/reference", "an array");
	bad(RESOURCE("{'type':'service','reference':['a']}"), "/spec/reference/0",
	    "a references itself");
	bad(RESOURCE("{'type':'service','reference':['b','c','b']}"), "/spec/reference",
	    "names b twice");
	bad(RESOURCE("{'type':'service','reference':[null]}"), "/spec/reference/0", "null");
	bad(RESOURCE("{'type':'service','interface':'../x'}"), "/spec/interface", "name");
	bad(RESOURCE("{'type':'service','serve':{'library':'x','program':['y']},"
	             "'interface':'i'}"), "/spec/serve", "either");
	bad(RESOURCE("{'type':'service','serve':{'library':'x'}}"), "/spec", "interface");
	bad(RESOURCE("{'type':'service','serve':{'program':['']}}"), "/spec/serve/program",
	    "path");
	bad(RESOURCE("{'type':'service','serve':{'program':['x'],'workers':65}}"),
	    "/spec/serve/workers", "65 is not between 1 and 64");
	bad(RESOURCE("{'type':'service','serve':{'program':['x'],'restart':'maybe'}}"),
	    "/spec/serve/restart", "none of always");
	bad(RESOURCE("{'type':'service','allow':{'uid':[4294967295]}}"),
	    "/spec/allow/uid/0", "between");
	bad(RESOURCE("{'type':'service','allow':{'gid':[1]}}"), "/spec/allow/gid",
	    "unknown key");
	bad(RESOURCE("{'type':'service','context':{'env':['1A']}}"),
	    "/spec/context/env/0", "environment variable");
	bad(RESOURCE("{'type':'service','context':{'locale':1}}"),
	    "/spec/context/locale", "a boolean");
	bad(RESOURCE("{'type':'service','description':'\\u0007'}"), "/spec/description",
	    "control character");
	bad(RESOURCE("{'type':'service','labels':{'sp ace':'x'}}"), "/spec/labels/sp ace",
	    "letters");
}

static void interfaces(void **state)
{
	(void)state;
	good(INTERFACE("{'text':'f, i32\\n','soname':'libx.so','hash':'" HEX16 "'}"));
	good(INTERFACE("{'text':'f, i32\\n','soname':'libx.so','hash':'0x" HEX16 "',"
		"'version':'','library':'/l/x.so','modules':{'shadow':'" HEX64 "'}}"));
	bad(INTERFACE("{'soname':'libx.so','hash':'" HEX16 "'}"), "/spec", "\"text\"");
	bad(INTERFACE("{'text':'','soname':'x','hash':'" HEX16 "'}"), "/spec/text", "empty");
	bad(INTERFACE("{'text':'f','soname':'a/b','hash':'" HEX16 "'}"), "/spec/soname",
	    "no '/'");
	bad(INTERFACE("{'text':'f','soname':'x','hash':'123'}"), "/spec/hash", "16 hex");
	bad(INTERFACE("{'text':'f','soname':'x','hash':12}"), "/spec/hash", "16 hex");
	bad(INTERFACE("{'text':'f','soname':'x','hash':'" HEX16 "','modules':"
	    "{'shadow':'" HEX16 "'}}"), "/spec/modules/shadow", "SHA-256");
}

static void rules(void **state)
{
	(void)state;
	good(RULE("p.1-x", "{'protocol':{'edge':['a','b'],'use':'semaphore'}}"));
	good(RULE("e", "{'exception':{'edge':['a','b'],'reason':'x',"
	          "'expires':'2030-02-28T23:59:59.5+02:00'}}"));
	good(RULE("hierarchy", "{'hierarchy':{'allow':[]}}"));
	good(RULE("hierarchy", "{'hierarchy':{'allow':[['driver','driver']]}}"));
	good(RULE("stale", "{'stale':{}}"));
	good(RULE("r", "{'limits':{'edge':['a','*'],'calls':65535}}"));
	good(RULE("r", "{'protocol':{'edge':['*','*'],'use':'shm','rollout':{'steps':"
	          "[1,2,'5%','100%'],'wait':'24h','maxReject':63,'maxErrorRate':1,"
	          "'rollback':false}}}"));
	good(RULE("stale", "{'stale':{'layering':'forever','revocation':'never',"
	          "'protocol':'720h'}}"));
	bad(RULE("p", "{}"), "/spec", "exactly one");
	bad(RULE("p", "{'protocol':{'edge':['a','b'],'use':'shm'},'exception':"
	         "{'edge':['a','b'],'reason':'x'}}"), "/spec", "exactly one");
	bad(RULE("p", "{'protocol':{'edge':['a'],'use':'shm'}}"), "/spec/protocol/edge",
	    "[caller, callee]");
	bad(RULE("p", "{'protocol':{'edge':['a','b','c'],'use':'shm'}}"),
	    "/spec/protocol/edge", "limit is 2");
	bad(RULE("p", "{'protocol':{'edge':['a','a'],'use':'shm'}}"),
	    "/spec/protocol/edge", "itself");
	bad(RULE("e", "{'exception':{'edge':['a','b']}}"), "/spec/exception", "\"reason\"");
	bad(RULE("e", "{'exception':{'edge':['a','b'],'reason':' '}}"),
	    "/spec/exception/reason", "why");
	bad(RULE("e", "{'exception':{'edge':['a','b'],'reason':'x','expires':'2030'}}"),
	    "/spec/exception/expires", "RFC 3339");
	bad(RULE("hierarchy", "{'hierarchy':{'allow':[['driver']]}}"),
	    "/spec/hierarchy/allow/0", "caller type");
	bad(RULE("hierarchy", "{'hierarchy':{'allow':[['driver','x']]}}"),
	    "/spec/hierarchy/allow/0/1", "none of");
	bad(RULE("hierarchy", "{'hierarchy':{'allow':[['driver','driver'],"
	         "['driver','driver']]}}"), "/spec/hierarchy/allow", "twice");
	bad(RULE("other", "{'hierarchy':{'allow':[]}}"), "/spec", "named \"hierarchy\"");
	bad(RULE("other", "{'stale':{}}"), "/spec", "named \"stale\"");
	bad(RULE("r", "{'limits':{'edge':['a','*'],'calls':0}}"), "/spec/limits/calls",
	    "between");
	bad(RULE("r", "{'limits':{'edge':['a','*']}}"), "/spec/limits", "calls");
	bad(RULE("stale", "{'stale':{'protocol':'soon'}}"), "/spec/stale/protocol",
	    "neither");
	bad(RULE("stale", "{'stale':{'protocol':'721h'}}"), "/spec/stale/protocol",
	    "30 days");
	bad(RULE("stale", "{'stale':{'layers':'1s'}}"), "/spec/stale/layers", "unknown");
	bad(RULE("hierarchy", "{'exception':{'edge':['a','b'],'reason':'x'}}"), "/spec",
	    "named \"hierarchy\"");
}

#define CODE(more) RULE("r", "{'code':{'hook':'filter','mode':'wasm','module':'sha256:" \
	HEX64 "'" more "}}")

static void code(void **state)
{
	(void)state;
	good(CODE(",'edge':['a','*']"));
	good(CODE(",'resource':'a','onFailure':'fail-closed','params':{},'limits':{}"));
	good(CODE(",'edge':['*','*'],'limits':{'memory':'64Ki','time':'1s','fuel':0},"
		"'onFailure':'keep-last','params':{'rate':'1000','A.b-c_1':''},"
		"'rollout':{'steps':[1,'100%']}"));
	bad(CODE(""), "/spec/code", "either an edge or a resource");
	bad(CODE(",'edge':['a','b'],'resource':'a'"), "/spec/code", "either an edge");
	bad(CODE(",'edge':['a']"), "/spec/code/edge", "[caller, callee]");
	bad(CODE(",'edge':['a','a']"), "/spec/code/edge", "itself");
	bad(CODE(",'resource':'A'"), "/spec/code/resource", "name");
	bad(CODE(",'resource':'a','key':'k'"), "/spec/code", "only rules of the hooks user");
	good(RULE("r", "{'code':{'hook':'user','key':'next.task','mode':'wasm','resource':'a',"
	        "'module':'sha256:" HEX64 "'}}"));
	good(RULE("r", "{'code':{'hook':'cache','key':'blocks','mode':'wasm','resource':'a',"
	        "'module':'sha256:" HEX64 "'}}"));
	good(RULE("r", "{'code':{'hook':'cache','mode':'wasm','resource':'a',"
	        "'module':'sha256:" HEX64 "'}}"));
	bad(RULE("r", "{'code':{'hook':'user','mode':'wasm','resource':'a','module':'sha256:"
	         HEX64 "'}}"), "/spec/code", "must have the key");
	bad(RULE("r", "{'code':{'hook':'user','key':'Next','mode':'wasm','resource':'a',"
	         "'module':'sha256:" HEX64 "'}}"), "/spec/code/key", "name");
	bad(RULE("r", "{'code':{'hook':'cache','edge':['a','b'],'mode':'wasm','module':"
	         "'sha256:" HEX64 "'}}"), "/spec/code", "not an edge");
	bad(CODE(",'resource':'a','onFailure':'ignore'"), "/spec/code/onFailure", "none of");
	bad(CODE(",'resource':'a','limits':{'memory':'1'}"), "/spec/code/limits/memory",
	    "a multiple of 64Ki");
	bad(CODE(",'resource':'a','limits':{'time':'2s'}"), "/spec/code/limits/time",
	    "from 1ms to 1s");
	bad(CODE(",'resource':'a','limits':{'time':'0ms'}"), "/spec/code/limits/time",
	    "from 1ms to 1s");
	bad(CODE(",'resource':'a','limits':{'fuel':-1}"), "/spec/code/limits/fuel", "between");
	bad(CODE(",'resource':'a','limits':{'disk':'1Mi'}"), "/spec/code/limits/disk",
	    "unknown key");
	bad(CODE(",'resource':'a','params':{'rate':1000}"), "/spec/code/params/rate",
	    "must be a string");
	bad(CODE(",'resource':'a','params':{'a b':''}"), "/spec/code/params/a b", "letters");
	bad(CODE(",'resource':'a','params':[]"), "/spec/code/params", "an object of strings");
	bad(CODE(",'resource':'a','rollout':{'steps':[1]}"), "/spec/code/rollout/steps",
	    "must end with");
	bad(RULE("r", "{'code':{'hook':'irq'}}"), "/spec/code/hook", "none of ");
	bad(RULE("r", "{'code':{'hook':'filter','mode':'wasm','resource':'a'}}"), "/spec/code",
	    "\"module\" is missing");
	bad(RULE("r", "{'code':{'hook':'filter','mode':'wasm','resource':'a','module':'"
	         HEX64 "'}}"), "/spec/code/module", "rhodes rule publish");
	bad(RULE("r", "{'code':{'hook':'filter','mode':'wasm','resource':'a','module':"
	         "'sha256:" HEX16 "'}}"), "/spec/code/module", "rhodes rule publish");
}

#define PROBE(more) RULE("r", "{'code':{'hook':'probe','mode':'ebpf','module':'sha256:" \
                         HEX64 "','resource':'a'" more "}}")
#define AT(point) PROBE(",'attach':{'p':'" point "'}")

static void probe(void **state)
{
	(void)state;
	good(AT("tracepoint:sched/sched_switch"));
	good(PROBE(",'attach':{'p':'connect4:/','q':'perf:cpu-clock@99'},'keep':['m'],"
	           "'params':{'rate':'1'},'limits':{'memory':'1Mi'}"));
	bad(PROBE(""), "/spec/code", "must say where its programs go");
	bad(PROBE(",'attach':{}"), "/spec/code/attach", "an object of 1 to 16 points");
	bad(AT("nowhere"), "/spec/code/attach/p", "no attach point");
	bad(AT("perf:cpu-clock@0"), "/spec/code/attach/p", "perf is followed by");
	bad(PROBE(",'attach':{'p':1}"), "/spec/code/attach/p", "string");
	bad(PROBE(",'attach':{'p':'connect4:/'},'keep':'m'"), "/spec/code/keep", "array");
	bad(PROBE(",'attach':{'p':'connect4:/'},'limits':{'fuel':1}"), "/spec/code",
	    "limit of fuel");
	bad(PROBE(",'attach':{'p':'connect4:/'},'onFailure':'fail-open'"), "/spec/code",
	    "has onFailure");
	bad(RULE("r", "{'code':{'hook':'probe','mode':'ebpf','edge':['a','b'],'module':"
	         "'sha256:" HEX64 "','attach':{'p':'connect4:/'}}}"), "/spec/code",
	    "sees a node, not an edge");
	bad(RULE("r", "{'code':{'hook':'probe','mode':'wasm','resource':'a','module':'sha256:"
	         HEX64 "'}}"), "/spec/code", "mode ebpf alone");
	bad(RULE("r", "{'code':{'hook':'filter','mode':'ebpf','resource':'a','module':'sha256:"
	         HEX64 "','attach':{'p':'connect4:/'}}}"), "/spec/code", "not of mode ebpf");
	bad(CODE(",'resource':'a','attach':{'p':'connect4:/'}"), "/spec/code",
	    "only rules of mode ebpf");
}

#define SCHED(more) RULE("r", "{'sched':{'resource':'a','use':" more "}}")

/* Numbers with policies are model_sched_test.c's: here is where they stand. */
static void sched(void **state)
{
	(void)state;
	good(SCHED("'cfs'"));
	good(SCHED("'eevdf','carrier':'fiber','nice':-20,'sliceUs':100000"));
	good(SCHED("'cfs','carrier':'sched_ext'"));
	good(SCHED("'deadline','runtimeUs':1000,'deadlineUs':2000,'periodUs':3000"));
	good(SCHED("'rr','priority':50,'rollout':{'steps':['100%']}"));
	bad(SCHED("'lottery'"), "/spec/sched/use", "deadline");
	bad(SCHED("'cfs','carrier':'gate'"), "/spec/sched/carrier", "fiber");
	bad(SCHED("'cfs','nice':20"), "/spec/sched/nice", "between -20 and 19");
	bad(SCHED("'cfs','nice':'5'"), "/spec/sched/nice", "");
	bad(SCHED("'cfs','priority':1"), "/spec/sched/priority", "use: cfs");
	bad(SCHED("'fifo','priority':51"), "/spec/sched/priority", "50");
	bad(SCHED("'rr','sliceUs':1000"), "/spec/sched/sliceUs", "fiber");
	bad(SCHED("'deadline','runtimeUs':9,'periodUs':100"), "/spec/sched/runtimeUs", "10");
	bad(SCHED("'deadline','runtimeUs':101,'deadlineUs':100"), "/spec/sched/runtimeUs",
	    "more than the deadline");
	good(SCHED("'cfs','weight':10000"));
	bad(SCHED("'cfs','weight':10001"), "/spec/sched/weight", "between 1 and 10000");
	bad(SCHED("'fifo','weight':100"), "/spec/sched/weight", "use: fifo");
	bad(SCHED("'cfs','share':1"), "/spec/sched/share", "");
	bad(RULE("r", "{'sched':{'use':'cfs'}}"), "/spec/sched", "resource");
}

static void envelopes(void **state)
{
	(void)state;
	good("{'kind':'Resource','metadata':{'name':'a','labels':{},'generation':3,"
	     "'revision':9,'uid':'x'},'spec':{'type':'service'},'status':{'any':1}}");
	bad("[]", "", "must be an object");
	bad("{'metadata':{'name':'a'},'spec':{}}", "", "\"kind\" is missing");
	bad("{'kind':'resource','metadata':{'name':'a'},'spec':{}}", "/kind", "none of");
	bad("{'kind':'Module','metadata':{'name':'a'},'spec':{}}", "/kind", "as bytes");
	bad("{'kind':'Rule','metadata':{},'spec':{}}", "/metadata", "\"name\"");
	bad("{'kind':'Rule','metadata':{'name':'a','owner':1},'spec':{}}",
	    "/metadata/owner", "unknown key \"owner\"; known are name, labels");
	bad("{'kind':'Rule','metadata':{'name':'a'},'spec':{},'more':1}", "/more",
	    "unknown key");
	bad("{'kind':'Rule','metadata':{'name':'a','revision':-1},'spec':{}}",
	    "/metadata/revision", "between");
	bad("{'kind':'Resource','metadata':{'name':'a-b'},'spec':{'type':'service'}}",
	    "/metadata/name", "[a-z][a-z0-9_]{0,62}");
	bad("{'kind':'Rule','metadata':{'name':'A'},'spec':{}}", "/metadata/name",
	    "[a-z][a-z0-9_.-]{0,62}");
	bad("{'kind':'Rule','metadata':{'name':'a'},'spec':{'a~b/c':1}}",
	    "/spec/a~0b~1c", "unknown key");
}

static void texts(void **state)
{
	(void)state;
	bad("", "", "not JSON");
	bad("{'a':1,'a':2}", "", "duplicate object key");
	bad("{'kind':'Rule'", "", "line 1");
	bad("{} {}", "", "end of file expected");
	bad("[[[[[[[[[[[[[[[[[0]]]]]]]]]]]]]]]]]", "", "nested deeper than 16");
	bad("[[[[[[[[[[[[[[[[0]]]]]]]]]]]]]]]]", "", "must be an object"); /* 16 */
	bad("['[[[[[[[[[[[[[[[[[[[']", "", "must be an object"); /* in a string */
	bad("['\\\\', '[[[[[[[[[[[[[[[[[[[']", "", "must be an object");
}

/* A resource with n references, or a name of n bytes. */
static char *long_one(size_t references, size_t name, size_t description)
{
	size_t cap = 256 + references * 16 + name + description;
	char  *text = malloc(cap);
	size_t len;

	assert_non_null(text);
	len = (size_t)snprintf(text, cap, "{'kind':'Resource','metadata':{'name':'n");
	memset(text + len, 'n', name - 1);
	len += name - 1;
	len += (size_t)snprintf(text + len, cap - len, "'},'spec':{'type':'service',"
	                        "'description':'");
	memset(text + len, 'd', description);
	len += description;
	len += (size_t)snprintf(text + len, cap - len, "','reference':[");
	for (size_t i = 0; i < references; i++)
		len += (size_t)snprintf(text + len, cap - len, "%s'r%zu'", i ? "," : "", i);
	snprintf(text + len, cap - len, "]}}");
	return text;
}

static void limits(void **state)
{
	struct rh_problem problem = { 0 };
	char             *text = long_one(1024, 63, RH_DESCRIPTION_MAX);

	(void)state;
	good(text);
	free(text);
	text = long_one(1025, 63, 0);
	bad(text, "/spec/reference", "1025 elements, the limit is 1024");
	free(text);
	text = long_one(0, 64, 0);
	assert_int_equal(check(text, &problem), RH_EINVAL);
	assert_string_equal(problem.pointer, "/metadata/name");
	free(text);
	text = long_one(0, 1, RH_DESCRIPTION_MAX + 1);
	bad(text, "/spec/description", "1025 bytes, the limit is 1024");
	free(text);
}

static void nested(unsigned depth, int expected)
{
	struct rh_problem problem = { 0 };
	char              text[2 * RH_JSON_DEPTH_MAX + 3] = "";
	json_t           *json = NULL;

	memset(text, '[', depth);
	memset(text + depth, ']', depth);
	text[2 * depth] = '\0';
	assert_int_equal(rh_decode_parse(text, strlen(text), &json, &problem), expected);
	if (expected != RH_OK)
		assert_non_null(strstr(problem.detail, "nested deeper than 16"));
	json_decref(json);
}

static void json_has_a_depth(void **state)
{
	struct rh_problem problem = { 0 };
	json_t           *json = NULL;
	const char        brackets[] = "[\"[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[\"]";

	(void)state;
	nested(RH_JSON_DEPTH_MAX, RH_OK);
	nested(RH_JSON_DEPTH_MAX + 1, RH_EINVAL);
	/* Those in a text do not count. */
	assert_int_equal(rh_decode_parse(brackets, strlen(brackets), &json, &problem),
	                 RH_OK);
	json_decref(json);
}

/* A pointer deeper than its buffer is cut, never beyond it. */
static void long_pointers_are_cut(void **state)
{
	struct rh_problem problem = { 0 };
	struct rh_decode  decode = { .problem = &problem };
	char              key[600];
	size_t            marks[4];

	(void)state;
	memset(key, '~', sizeof key - 1);
	key[sizeof key - 1] = '\0';
	for (int i = 0; i < 4; i++)
		marks[i] = rh_decode_enter(&decode, key);
	rh_decode_refuse(&decode, "%s", "x");
	assert_true(strlen(problem.pointer) < RH_POINTER_MAX);
	for (int i = 3; i >= 0; i--)
		rh_decode_leave(&decode, marks[i]);
	assert_int_equal(decode.len, 0);
}

static void times(void **state)
{
	static const struct {
		const char *text;
		uint64_t    ms;
	} cases[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "2026-01-31T12:00:00.123Z", 1769860800123 },
		{ "2026-01-31t12:00:00z", 1769860800000 },
		{ "2026-01-31T14:00:00+02:00", 1769860800000 },
		{ "2026-01-31T06:30:00.1-05:30", 1769860800100 },
		{ "2024-02-29T00:00:00.999999999Z", 1709164800999 },
	};
	static const char *const wrong[] = {
		"", "tomorrow", "2026-01-31", "2026-01-31T12:00:00", "2026-13-01T00:00:00Z",
		"2026-02-30T00:00:00Z", "2026-01-31T24:00:00Z", "2026-01-31T12:00:00.Z",
		"2026-01-31T12:00:00+2:00", "2026-01-31T12:00:00+02:0", "1969-01-01T00:00:00Z",
		"2026-01-31T12:00:00Zx", "2026-01-31T12:00:00+99:00", "+026-01-31T12:00:00Z",
		"2026-01-31T12:00: 0Z", "1970-01-01T00:00:00+01:00",
	};
	char     text[RH_WHEN_TEXT_MAX];
	uint64_t ms = 7;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(rh_when_parse(cases[i].text, &ms), RH_OK);
		assert_int_equal(ms, cases[i].ms);
	}
	ms = 7;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		if (rh_when_parse(wrong[i], &ms) != RH_EINVAL)
			fail_msg("accepted: %s", wrong[i]);
	}
	assert_int_equal(ms, 7);
	rh_when_text(1769860800123, text);
	assert_string_equal(text, "2026-01-31T12:00:00.123Z");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(resources),
		cmocka_unit_test(interfaces),
		cmocka_unit_test(rules),
		cmocka_unit_test(code), cmocka_unit_test(probe), cmocka_unit_test(sched),
		cmocka_unit_test(envelopes),
		cmocka_unit_test(texts),
		cmocka_unit_test(limits),
		cmocka_unit_test(json_has_a_depth),
		cmocka_unit_test(long_pointers_are_cut),
		cmocka_unit_test(times),
	};

	return cmocka_run_group_tests_name("center_shape", tests, NULL, NULL);
}
