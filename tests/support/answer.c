/* answer - a rule of hook `user` for tests: the first byte of the question says what it
 * does.
 *
 *   m  answers its parameter mark and how often it was asked so far, 8 bytes
 *   r  answers the question backwards
 *   d  has no answer        n  says a length that makes no sense
 *   t  traps                l  does not end
 *
 * The count goes along to the next version, unless that has the parameter fresh. */
#include <rhodes/hook/user.h>

RH_RULE(user);

static uint32_t mark, asked;

int32_t rh_init(void)
{
	mark = (uint32_t)RH_PARAM_NUMBER("mark", 0);
	return (int32_t)RH_PARAM_NUMBER("refuse", 0);
}

int32_t rh_save(int32_t room)
{
	(void)room;
	__builtin_memcpy(rh_user.bytes, &asked, sizeof asked);
	return sizeof asked;
}

int32_t rh_restore(int32_t length)
{
	if (length != sizeof asked || RH_PARAM_NUMBER("fresh", 0))
		return 1;
	__builtin_memcpy(&asked, rh_user.bytes, sizeof asked);
	return 0;
}

static void reverse(int32_t length)
{
	for (int32_t i = 0; i < length / 2; i++) {
		uint8_t byte = rh_user.bytes[i];

		rh_user.bytes[i] = rh_user.bytes[length - 1 - i];
		rh_user.bytes[length - 1 - i] = byte;
	}
}

int32_t rh_user_run(int32_t length)
{
	asked++;
	switch (length ? rh_user.bytes[0] : 'd') {
	case 'm':
		__builtin_memcpy(rh_user.bytes, &mark, sizeof mark);
		__builtin_memcpy(rh_user.bytes + sizeof mark, &asked, sizeof asked);
		return sizeof mark + sizeof asked;
	case 'r':
		reverse(length);
		return length;
	case 'n':
		return 70000;
	case 't':
		__builtin_trap();
	case 'l':
		for (volatile int on = 1; on;)
			;
		return 0;
	default:
		return (int32_t)RH_USER_DEFAULT;
	}
}
