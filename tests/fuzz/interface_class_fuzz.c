#include "../../interface/java_type.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* Every class that a type names is the one in hand: so a record may hold itself. */
static int find_same(void *user, const char *name, struct rh_class *ret)
{
	const struct rh_class *class = user;

	*ret = *class;
	return name[0] == '?' ? RH_ENOENT : RH_OK;
}

static void read_types(struct rh_pool *pool, struct rh_class *class,
                       const char *descriptor)
{
	struct rh_java_types types = { .pool = pool, .find = find_same, .user = class };
	struct rh_java_type  type;

	for (const char *at = descriptor + (descriptor[0] == '('); *at;)
		if (rh_java_type(&types, &at, &type) >= 0 && strlen(type.text) >= RH_TEXT_MAX)
			__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct rh_class class;
	struct rh_pool  pool;

	rh_pool_init(&pool);
	if (rh_class_read(&pool, bytes, len, &class, NULL) >= 0) {
		for (uint16_t i = 0; i < class.method_count && i < 256; i++)
			read_types(&pool, &class, class.methods[i].descriptor);
		for (uint16_t i = 0; i < class.component_count && i < 256; i++)
			read_types(&pool, &class, class.components[i].descriptor);
	}
	rh_pool_fini(&pool);
	return 0;
}
