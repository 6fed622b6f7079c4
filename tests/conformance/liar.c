/* liar - a rule of hook `protocol` that fails in the way that its parameter names, from
 * the third message on. */
#include <rhodes/hook/protocol.h>

RH_RULE(protocol);

enum how {
	HONEST, LOSES, TWICE, CHANGES, INVENTS, LATE, DAMAGED, LONG, GREEDY, SILENT, LOUD, MOST,
	BLIND, REFUSES, TRAPS, LOOPS,
};

static enum how how;
static uint32_t sent, received;
static uint8_t  kept[RH_PROTOCOL_MESSAGE_MAX];
static uint32_t kept_length;

int32_t rh_init(void)
{
	how = (enum how)RH_PARAM_NUMBER("how", HONEST);
	return 0;
}

int32_t rh_protocol_open(void)
{
	return how == REFUSES;
}

int32_t rh_protocol_most(int32_t length)
{
	return how == MOST ? 70000 : length + 4;
}

static void fail_hard(void)
{
	if (how == TRAPS)
		__builtin_trap();
	while (how == LOOPS)
		__asm__ volatile("");
}

int32_t rh_protocol_send(int32_t length)
{
	uint32_t number = (uint32_t)length;

	__builtin_memcpy(rh_protocol.bytes, &number, 4);
	__builtin_memcpy(rh_protocol.bytes + 4, rh_protocol.message, (size_t)length);
	if (++sent < 3)
		return length + 4;
	fail_hard();
	return how == SILENT ? 0 : how == LOUD ? length + 5 : length + 4;
}

static int32_t keep(int32_t length)
{
	__builtin_memcpy(kept, rh_protocol.message, (size_t)length);
	kept_length = (uint32_t)length;
	return length;
}

static int32_t lie(int32_t length)
{
	switch (how) {
	case LOSES:
		return 0;
	case TWICE: /* the first of them again in place of the next */
		if (kept_length)
			__builtin_memcpy(rh_protocol.message, kept, kept_length);
		return keep(length);
	case CHANGES:
		rh_protocol.message[length / 2] ^= 4;
		return length;
	case INVENTS:
		rh_protocol.message[0] = 99;
		return 5;
	case LATE: /* each comes when the next one does */
		keep(length);
		return 0;
	case DAMAGED:
		return -1;
	case LONG:
		return 16385;
	case GREEDY:
		rh_protocol.used = 70000;
		return length;
	case BLIND:
		rh_protocol.used = 0;
		return 0;
	default:
		return length;
	}
}

int32_t rh_protocol_receive(int32_t at, int32_t end)
{
	uint32_t length, there = (uint32_t)(end - at);

	if (there < 4)
		return 0;
	__builtin_memcpy(&length, rh_protocol.bytes + at, 4);
	if (length > RH_PROTOCOL_MESSAGE_MAX || there - 4 < length)
		return 0;
	__builtin_memcpy(rh_protocol.message, rh_protocol.bytes + at + 4, length);
	rh_protocol.used = length + 4;
	return ++received < 3 ? (int32_t)length : lie((int32_t)length);
}
