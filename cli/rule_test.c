#include "rule_test.h"

#include "module.h"
#include "output.h"
#include "rule.h"
#include "show.h"

#include "../base/diag.h"
#include "../base/memory.h"
#include "../base/size.h"
#include "../rules/limits.h"
#include "../rules/wasm/build.h"
#include "../rules/wasm/cpu.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MEMORY   "1Mi" /* as the center takes it when the project does not say */
#define FUEL     1000000000u
#define FUEL_MAX 1000000000000

struct test {
	struct rh_cli         *cli;
	struct rh_rule_project project;
	struct rh_rule_inputs  inputs;
	char                   paths[2][PATH_MAX]; /* of inputs */
	struct rh_rule_tested  tested;
	struct rh_rule_limits  limits;
	long                   fuel;
};

/* ---- the objects ---- */

static bool is_native(const struct rh_rule_project *project)
{
	const char *mode = rh_show_text(project->manifest, "mode");

	return mode && strcmp(mode, "native") == 0;
}

static void add_mode(struct test *test, enum rh_rule_test_mode mode, int fd)
{
	struct rh_rule_tested_mode *tested = &test->tested.modes[mode];

	tested->is_run = true;
	tested->trial = (struct rh_trial){
		.inputs = &test->inputs, .object_fd = fd, .limits = test->limits,
		.mode = mode == RH_TEST_NATIVE ? RH_RULE_NATIVE : RH_RULE_WASM,
		.is_kernel = mode == RH_TEST_EBPF,
	};
	if (mode == RH_TEST_FUEL)
		tested->trial.limits.fuel = (uint64_t)test->fuel;
}

static void leave_out(struct test *test, enum rh_rule_test_mode mode, const char *why)
{
	snprintf(test->tested.modes[mode].why, sizeof test->tested.modes[mode].why, "%s", why);
}

static int add_object(struct test *test, enum rh_rule_test_mode mode, const char *path)
{
	struct rh_diag diag = { 0 };
	char          *bytes;
	size_t         len;

	if (rh_module_bytes(path, &bytes, &len, &diag) < 0)
		return rh_cli_fail(test->cli, RH_EXIT_REFUSED, "%s", diag.text);
	int fd = rh_memory_freeze(bytes, len);
	free(bytes);
	if (fd < 0)
		return rh_cli_fail(test->cli, RH_EXIT_REFUSED, "out of memory");
	add_mode(test, mode, fd);
	return RH_EXIT_OK;
}

static int build_native(struct test *test)
{
	const struct rh_rule_project *project = &test->project;

	if (is_native(project))
		return add_object(test, RH_TEST_NATIVE, project->file);
	if (!project->native[0]) {
		leave_out(test, RH_TEST_NATIVE, project->folder[0]
			? RH_RULE_FILE " has no line `native` that builds it by gcc"
			: "a module alone has no source; give the folder of its project");
		return RH_EXIT_OK;
	}
	int result = rh_rule_project_build(test->cli, project, project->native);
	return result == RH_EXIT_OK 
	       ? add_object(test, RH_TEST_NATIVE, project->native_file) : result;
}

static int build_ebpf(struct test *test)
{
	const struct rh_rule_project *project = &test->project;

	if (!project->ebpf[0])
		return RH_EXIT_OK;
	if (test->inputs.param_count) {
		leave_out(test, RH_TEST_EBPF, "a rule with parameters is not tried in the kernel");
		return RH_EXIT_OK;
	}
	int result = rh_rule_project_build(test->cli, project, project->ebpf);
	return result == RH_EXIT_OK ? add_object(test, RH_TEST_EBPF, project->ebpf_file)
	                            : result;
}

static int build_mode(struct test *test, enum rh_rule_test_mode mode, const char *bytes,
                      size_t len)
{
	struct rh_build build = {
		.hook = test->inputs.hook, .module = (const uint8_t *)bytes,
		.module_bytes = len, .memory_bytes = test->limits.memory_bytes,
		.capabilities = rh_rule_project_capabilities(&test->project),
		.has_fuel = mode == RH_TEST_FUEL,
		.is_portable = mode == RH_TEST_PORTABLE || !rh_cpu_has_gs(),
	};
	struct rh_built built;
	struct rh_diag  diag = { 0 };

	if (mode == RH_TEST_WASM && !rh_cpu_has_gs()) {
		leave_out(test, mode, "this processor or kernel has no FSGSBASE");
		return RH_EXIT_OK;
	}
	if (rh_build_run(&build, &built, &diag) < 0)
		return rh_cli_fail(test->cli, RH_EXIT_REFUSED, "%s: %s", test->project.file,
		                   diag.text);
	add_mode(test, mode, built.fd);
	return RH_EXIT_OK;
}

static int build_wasm(struct test *test)
{
	struct rh_diag diag = { 0 };
	char          *bytes;
	size_t         len;
	int            result = RH_EXIT_OK;

	if (is_native(&test->project)) {
		for (unsigned mode = RH_TEST_WASM; mode <= RH_TEST_FUEL; mode++)
			leave_out(test, (enum rh_rule_test_mode)mode, "the rule is native code alone");
		return RH_EXIT_OK;
	}
	if (rh_module_bytes(test->project.file, &bytes, &len, &diag) < 0)
		return rh_cli_fail(test->cli, RH_EXIT_REFUSED, "%s", diag.text);
	for (unsigned mode = RH_TEST_WASM; mode <= RH_TEST_FUEL && result == RH_EXIT_OK; mode++)
		result = build_mode(test, (enum rh_rule_test_mode)mode, bytes, len);
	free(bytes);
	return result;
}

/* ---- the inputs ---- */

static int read_inputs(struct test *test, const char *path, bool must_be)
{
	FILE          *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	struct rh_diag diag = { 0 };

	if (!file && errno == ENOENT && !must_be)
		return RH_EXIT_OK;
	if (!file)
		return rh_cli_fail(test->cli, errno == ENOENT ? RH_EXIT_NOT_FOUND
		                   : RH_EXIT_REFUSED, "%s: %s", path, strerror(errno));
	int err = rh_rule_inputs_read(&test->inputs, file, path, &diag);
	if (file != stdin)
		fclose(file);
	return err < 0 ? rh_cli_fail(test->cli, RH_EXIT_REFUSED, "%s", diag.text)
	               : RH_EXIT_OK;
}

/* The file that was named, or those of the project. */
static int find_inputs(struct test *test)
{
	const char *wanted = rh_args_value(&test->cli->args, "inputs");
	int         result;

	if (wanted)
		result = read_inputs(test, wanted, true);
	else if (!test->project.folder[0])
		return rh_cli_usage(test->cli, "what is %s to be tested with? --inputs FILE",
		                    test->project.file);
	else {
		snprintf(test->paths[0], PATH_MAX, "%.4000s/" RH_RULE_INPUTS,
		         test->project.folder);
		snprintf(test->paths[1], PATH_MAX, "%.4000s/" RH_RULE_RECORDED,
		         test->project.folder);
		result = read_inputs(test, test->paths[0], false);
		if (result == RH_EXIT_OK)
			result = read_inputs(test, test->paths[1], false);
		wanted = test->paths[0];
	}
	if (result == RH_EXIT_OK && test->inputs.count == 0)
		return rh_cli_fail(test->cli, RH_EXIT_NOT_FOUND, "%s has no call to test with; "
		                   "rhodes-rule(7) tells how one is written, `rhodes rule record` "
		                   "writes what a live edge carries", wanted);
	return result;
}

/* ---- what the project says ---- */

static int read_limits(struct test *test)
{
	const char    *memory = rh_show_text(test->project.manifest, "memory");
	uint64_t       bytes;
	struct rh_diag diag = { 0 };

	test->fuel = FUEL;
	if (rh_args_number(&test->cli->args, "fuel", 1, FUEL_MAX, &test->fuel, &diag) ==
	    RH_EINVAL)
		return rh_cli_usage(test->cli, "%s", diag.text);
	if (rh_size_read(memory ? memory : MEMORY, RH_RULE_MEMORY_MAX, &bytes) < 0)
		return rh_cli_fail(test->cli, RH_EXIT_REFUSED, "memory: \"%.16s\" is not a size "
		                   "such as 64Ki or 1Mi, at most 256Mi", memory);
	test->limits.memory_bytes = (uint32_t)bytes;
	return RH_EXIT_OK;
}

static int find_hook(struct test *test)
{
	const char *name = rh_show_text(test->project.manifest, "hook");
	char        known[160] = "";
	size_t      used = 0;

	test->inputs.hook = rh_hook_find(name ? name : "");
	if (test->inputs.hook && test->inputs.hook->is_ebpf)
		return rh_cli_fail(test->cli, RH_EXIT_REFUSED, "a rule of the hook %s runs in the "
			"kernel alone: the verifier tries it when it is applied", name);
	if (test->inputs.hook)
		return RH_EXIT_OK;
	for (unsigned i = 0; i < rh_hook_count && used < sizeof known; i++)
		used += (size_t)snprintf(known + used, sizeof known - used, "%s%s",
		                         i ? ", " : "", rh_hooks[i].name);
	return rh_cli_fail(test->cli, RH_EXIT_REFUSED, "\"%.40s\" is no hook; there are %s",
	                   name ? name : "", known);
}

/* ---- running ---- */

static int run_modes(struct test *test)
{
	for (unsigned mode = 0; mode < RH_TEST_MODES; mode++) {
		struct rh_rule_tested_mode *tested = &test->tested.modes[mode];
		struct rh_diag              diag = { 0 };

		int err = tested->is_run ? rh_trial_run(&tested->trial, &diag) : RH_OK;

		if (mode == RH_TEST_EBPF && (err == RH_EPERM || err == RH_ENOSYS)) {
			tested->is_run = false; /* it is nobody's fault */
			leave_out(test, RH_TEST_EBPF, diag.text);
		} else if (err < 0)
			return rh_cli_fail(test->cli, RH_EXIT_REFUSED, "%s: %s",
				rh_rule_test_mode_name((enum rh_rule_test_mode)mode), diag.text);
	}
	rh_rule_tested_judge(&test->tested);
	return RH_EXIT_OK;
}

static int report(struct test *test, enum rh_format format)
{
	const struct rh_rule_tested *tested = &test->tested;
	int                          result = RH_EXIT_OK;

	if (format == RH_FORMAT_JSON || format == RH_FORMAT_YAML) {
		json_t *value = rh_rule_tested_json(tested);

		result = rh_output_value(test->cli, format, value);
		json_decref(value);
	} else {
		rh_rule_tested_print(tested, test->cli->out, test->cli->has_color);
	}
	if (result == RH_EXIT_OK && tested->differences + tested->unexpected)
		result = RH_EXIT_REFUSED;
	return result;
}

static int run(struct test *test, const char *path)
{
	enum rh_format format;
	int            result = rh_rule_project_read(test->cli, path, &test->project);

	if (result == RH_EXIT_OK && rh_output_format(test->cli, &format) < 0)
		result = RH_EXIT_USAGE;
	if (result == RH_EXIT_OK)
		result = find_hook(test);
	if (result == RH_EXIT_OK)
		result = read_limits(test);
	if (result == RH_EXIT_OK)
		result = find_inputs(test);
	if (result == RH_EXIT_OK)
		result = rh_rule_project_build(test->cli, &test->project, test->project.build);
	if (result == RH_EXIT_OK)
		result = build_native(test);
	if (result == RH_EXIT_OK)
		result = build_wasm(test);
	if (result == RH_EXIT_OK)
		result = build_ebpf(test);
	if (result == RH_EXIT_OK)
		result = run_modes(test);
	return result == RH_EXIT_OK ? report(test, format) : result;
}

int rh_rule_test(struct rh_cli *cli, const char *path)
{
	struct test *test = calloc(1, sizeof *test);
	int          result;

	if (!test)
		return rh_cli_fail(cli, RH_EXIT_REFUSED, "out of memory");
	test->cli = cli;
	test->tested.inputs = &test->inputs;
	for (unsigned mode = 0; mode < RH_TEST_MODES; mode++)
		test->tested.modes[mode].trial.object_fd = -1;
	result = run(test, path);
	rh_rule_tested_fini(&test->tested);
	rh_rule_inputs_fini(&test->inputs);
	rh_rule_project_fini(&test->project);
	free(test);
	return result;
}
