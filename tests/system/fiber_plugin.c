/* What fiber_load.c loads. */
__attribute__((visibility("default"))) int answer(void);

int answer(void)
{
	return 42;
}
