/* crc - a protocol: the length of a message, its CRC-32C, and the message; what is
 * damaged on its way ends the channel. */
#include <rhodes/hook/protocol.h>

#define POLYNOMIAL 0x82f63b78u /* of Castagnoli, reflected */
#define HEAD       8

RH_RULE(protocol);

static uint32_t table[256];

int32_t rh_init(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t rest = i;

		for (int bit = 0; bit < 8; bit++)
			rest = rest & 1 ? rest >> 1 ^ POLYNOMIAL : rest >> 1;
		table[i] = rest;
	}
	return 0;
}

static uint32_t checksum(const uint8_t *bytes, uint32_t length)
{
	uint32_t rest = 0xffffffffu;

	for (uint32_t i = 0; i < length; i++)
		rest = table[(rest ^ bytes[i]) & 255] ^ rest >> 8;
	return ~rest;
}

static void put(uint8_t *at, uint32_t number)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(number >> 8 * i);
}

static uint32_t get(const uint8_t *at)
{
	return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

int32_t rh_protocol_most(int32_t length)
{
	return length + HEAD;
}

int32_t rh_protocol_send(int32_t length)
{
	put(rh_protocol.bytes, (uint32_t)length);
	put(rh_protocol.bytes + 4, checksum(rh_protocol.message, (uint32_t)length));
	__builtin_memcpy(rh_protocol.bytes + HEAD, rh_protocol.message, (size_t)length);
	return length + HEAD;
}

int32_t rh_protocol_receive(int32_t at, int32_t end)
{
	const uint8_t *in = rh_protocol.bytes + at;
	uint32_t       there = (uint32_t)(end - at), length;

	if (there < HEAD)
		return 0;
	length = get(in);
	if (length == 0 || length > RH_PROTOCOL_MESSAGE_MAX)
		return -1;
	if (there - HEAD < length)
		return 0;
	if (checksum(in + HEAD, length) != get(in + 4))
		return -1;
	__builtin_memcpy(rh_protocol.message, in + HEAD, length);
	rh_protocol.used = length + HEAD;
	return (int32_t)length;
}
