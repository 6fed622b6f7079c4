#include "../../interface/zip.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct rh_elf_span unpacked;
	struct rh_zip_file file;
	struct rh_pool     pool;
	struct rh_zip      zip;
	size_t             at = 0;

	rh_pool_init(&pool);
	if (rh_zip_open(&zip, bytes, len, NULL) >= 0)
		for (int i = 0; i < 64 && rh_zip_next(&zip, &at, &file) >= 0; i++)
			if (rh_zip_read(&zip, &file, &pool, &unpacked, NULL) >= 0 &&
			    unpacked.len > RH_ZIP_FILE_MAX)
				__builtin_trap();
	rh_pool_fini(&pool);
	return 0;
}
