/* A stranger's object of eBPF, read by ourselves before libbpf and the kernel see it. */
#include "../../model/check.h"
#include "../../model/error.h"
#include "../../rules/ebpf/object.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* What people read, and what stands in manifests and logs. */
static void check_name(const char *name)
{
	size_t len = strnlen(name, RH_BPF_NAME_MAX + 1);

	RH_CHECK(len > 0 && len <= RH_BPF_NAME_MAX);
	for (size_t i = 0; i < len; i++)
		RH_CHECK(name[i] > ' ' && name[i] <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static struct rh_bpf_object object, again;
	struct rh_diag              diag = { 0 };

	memset(&object, 0xa5, sizeof object);
	if (rh_bpf_object_read(bytes, len, &object, &diag) < 0) {
		RH_CHECK(diag.text[0]);
		return 0;
	}
	RH_CHECK(object.program_count >= 1 && object.program_count <= RH_BPF_PROGRAMS_MAX);
	for (unsigned i = 0; i < object.program_count; i++) {
		check_name(object.programs[i].name);
		check_name(object.programs[i].section);
		RH_CHECK(rh_bpf_object_program(&object, object.programs[i].name));
	}
	RH_CHECK(object.map_count <= RH_BPF_MAPS_MAX && object.param_count <= RH_BPF_MAPS_MAX);
	for (unsigned i = 0; i < object.map_count; i++)
		check_name(object.maps[i].name);
	for (unsigned i = 0; i < object.param_count; i++)
		check_name(object.params[i].name);
	RH_CHECK(strnlen(object.license, sizeof object.license) < sizeof object.license);
	/* The same bytes are the same object. */
	memset(&again, 0x5a, sizeof again);
	RH_CHECK(rh_bpf_object_read(bytes, len, &again, &diag) == RH_OK);
	RH_CHECK(again.program_count == object.program_count &&
	         again.map_count == object.map_count &&
	         again.param_count == object.param_count);
	return 0;
}
