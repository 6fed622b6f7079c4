#include "../../interface/btf.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void read_types(struct rh_pool *pool, const struct rh_elf *elf,
                       const struct rh_elf_exports *exports)
{
	struct rh_elf_span section;
	struct rh_btf      btf;
	bool               is_writable;

	if (rh_elf_section(elf, ".BTF", &section) >= 0)
		rh_btf_read(pool, section.bytes, section.len, exports, &btf, NULL);
	for (uint32_t i = 0; i < exports->symbol_count && i < 16; i++)
		rh_elf_data(elf, exports->symbols[i].value, exports->symbols[i].size,
		            &section, &is_writable);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct rh_pool        pool;
	struct rh_elf         elf;
	struct rh_elf_exports exports;

	rh_pool_init(&pool);
	if (rh_elf_init(&elf, bytes, len, NULL) >= 0 &&
	    rh_elf_exports(&pool, &elf, &exports, NULL) >= 0)
		read_types(&pool, &elf, &exports);
	rh_pool_fini(&pool);
	return 0;
}
