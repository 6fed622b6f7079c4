/* netstring - a protocol that a user wrote: each message as D. J. Bernstein's netstring,
 * its length in decimal digits, a colon, its bytes, and a comma. */
#include <rhodes/hook/protocol.h>

#define DIGITS_MAX 5

RH_RULE(protocol);

int32_t rh_protocol_most(int32_t length)
{
	return length + DIGITS_MAX + 2;
}

int32_t rh_protocol_send(int32_t length)
{
	uint8_t  digits[DIGITS_MAX], *out = rh_protocol.bytes;
	uint32_t rest = (uint32_t)length;
	int32_t  count = 0;

	do
		digits[count++] = (uint8_t)('0' + rest % 10);
	while (rest /= 10);
	while (count)
		*out++ = digits[--count];
	*out++ = ':';
	__builtin_memcpy(out, rh_protocol.message, (size_t)length);
	out[length] = ',';
	return (int32_t)(out + length + 1 - rh_protocol.bytes);
}

int32_t rh_protocol_receive(int32_t at, int32_t end)
{
	const uint8_t *in = rh_protocol.bytes;
	uint32_t       length = 0;
	int32_t        i = at;

	for (; i < end && in[i] >= '0' && in[i] <= '9' && i - at < DIGITS_MAX; i++)
		length = 10 * length + in[i] - '0';
	if (i == end)
		return 0;
	if (i == at || in[i] != ':' || length == 0 || length > RH_PROTOCOL_MESSAGE_MAX)
		return -1;
	i++;
	if ((uint32_t)(end - i) <= length)
		return 0;
	if (in[i + (int32_t)length] != ',')
		return -1;
	__builtin_memcpy(rh_protocol.message, in + i, length);
	rh_protocol.used = (uint32_t)(i + 1 - at) + length;
	return (int32_t)length;
}
