/* access - how generated code reaches its linear memory.  It is put between the
 * prelude that wasm2c writes and the functions, and takes the place of the prelude's
 * loads and stores.
 *
 * An address is a 32 bit base plus a 32 bit offset: it lies within the reservation of
 * 8 GiB, which is all guard pages but for the memory.  With RH_WASM_GS the GS segment
 * begins at the memory; else each function has its begin in a local, which is right
 * for the whole function because memory never moves.
 *
 * A load whose value is not used may be dropped, and with it its trap. */
#if defined RH_WASM_USE_GS && defined RH_WASM_IS_LARGE
#define RH_AT(type, address) (((__seg_gs type *)(uintptr_t)(address))->value)
#define RH_BASE
#elif defined RH_WASM_USE_GS
/* A constant address gets a register that holds 0: what was stored at an address without
 * a register, processors load again six times later than with one (they know that the
 * place is the same by the register and the offset). */
#define RH_AT(type, address) \
	(((__seg_gs type *)(uintptr_t)(__builtin_constant_p(address) ? \
	                               rh_none + (u64)(address) : (u64)(address)))->value)
#define RH_BASE \
	u64 rh_none = 0; \
	__asm__("" : "+r"(rh_none));
#else
#define RH_AT(type, address) (((type *)(rh_base + (address)))->value)
#define RH_BASE u8 *const rh_base = instance->w2c_memory.data;
#endif

#ifdef RH_WASM_USE_FUEL
#define RH_TICK \
	{ \
		if (UNLIKELY(--instance->w2c_memory.fuel < 0)) \
			wasm_rt_trap(RH_TRAP_FUEL); \
	}
#else
#define RH_TICK
#endif

#undef FUNC_PROLOGUE
#define FUNC_PROLOGUE \
	RH_BASE \
	RH_TICK

#define RH_CELL(name, type) \
	typedef struct { \
		type value; \
	} __attribute__((packed, may_alias)) name

RH_CELL(rh_s8, s8);
RH_CELL(rh_u8, u8);
RH_CELL(rh_s16, s16);
RH_CELL(rh_u16, u16);
RH_CELL(rh_s32, s32);
RH_CELL(rh_u32, u32);
RH_CELL(rh_u64, u64);
RH_CELL(rh_f32, f32);
RH_CELL(rh_f64, f64);

#define i32_load(m, a)     RH_AT(rh_u32, a)
#define i64_load(m, a)     RH_AT(rh_u64, a)
#define f32_load(m, a)     RH_AT(rh_f32, a)
#define f64_load(m, a)     RH_AT(rh_f64, a)
#define i32_load8_s(m, a)  ((u32)(s32)RH_AT(rh_s8, a))
#define i64_load8_s(m, a)  ((u64)(s64)RH_AT(rh_s8, a))
#define i32_load8_u(m, a)  ((u32)RH_AT(rh_u8, a))
#define i64_load8_u(m, a)  ((u64)RH_AT(rh_u8, a))
#define i32_load16_s(m, a) ((u32)(s32)RH_AT(rh_s16, a))
#define i64_load16_s(m, a) ((u64)(s64)RH_AT(rh_s16, a))
#define i32_load16_u(m, a) ((u32)RH_AT(rh_u16, a))
#define i64_load16_u(m, a) ((u64)RH_AT(rh_u16, a))
#define i64_load32_s(m, a) ((u64)(s64)RH_AT(rh_s32, a))
#define i64_load32_u(m, a) ((u64)RH_AT(rh_u32, a))
#define i32_store(m, a, v)   ((void)(RH_AT(rh_u32, a) = (v)))
#define i64_store(m, a, v)   ((void)(RH_AT(rh_u64, a) = (v)))
#define f32_store(m, a, v)   ((void)(RH_AT(rh_f32, a) = (v)))
#define f64_store(m, a, v)   ((void)(RH_AT(rh_f64, a) = (v)))
#define i32_store8(m, a, v)  ((void)(RH_AT(rh_u8, a) = (u8)(v)))
#define i32_store16(m, a, v) ((void)(RH_AT(rh_u16, a) = (u16)(v)))
#define i64_store8(m, a, v)  ((void)(RH_AT(rh_u8, a) = (u8)(v)))
#define i64_store16(m, a, v) ((void)(RH_AT(rh_u16, a) = (u16)(v)))
#define i64_store32(m, a, v) ((void)(RH_AT(rh_u32, a) = (u32)(v)))
