/* @NAME@ - a protocol: how the messages of an edge become bytes, and messages again.
 *
 * Here each is four bytes of length, the lowest first, and then the message. */
#include <rhodes/hook/protocol.h>

#define HEAD 4

RH_RULE(protocol);

int32_t rh_protocol_most(int32_t length)
{
	return length + HEAD;
}

int32_t rh_protocol_send(int32_t length)
{
	for (int32_t i = 0; i < HEAD; i++)
		rh_protocol.bytes[i] = (uint8_t)(length >> 8 * i);
	__builtin_memcpy(rh_protocol.bytes + HEAD, rh_protocol.message, (size_t)length);
	return length + HEAD;
}

/* The stream may be cut anywhere: 0 says that more bytes are needed. */
int32_t rh_protocol_receive(int32_t at, int32_t end)
{
	const uint8_t *in = rh_protocol.bytes + at;
	uint32_t       length = 0;

	if (end - at < HEAD)
		return 0;
	for (int32_t i = 0; i < HEAD; i++)
		length |= (uint32_t)in[i] << 8 * i;
	if (length == 0 || length > RH_PROTOCOL_MESSAGE_MAX)
		return -1;
	if ((uint32_t)(end - at - HEAD) < length)
		return 0;
	__builtin_memcpy(rh_protocol.message, in + HEAD, length);
	rh_protocol.used = length + HEAD;
	return (int32_t)length;
}
