/* lines - a protocol: each message is a line of hexadecimal digits, for people who look
 * into the stream.
 *
 *   $ strings /proc/PID/fd/FD      of either agent, the memory file rhodes-module */
#include <rhodes/hook/protocol.h>

RH_RULE(protocol);

static const char digits[] = "0123456789abcdef";
static uint8_t    values[256]; /* of a digit; 16: it is none */

int32_t rh_init(void)
{
	for (int i = 0; i < 256; i++)
		values[i] = 16;
	for (uint8_t i = 0; i < 16; i++)
		values[(uint8_t)digits[i]] = i;
	return 0;
}

int32_t rh_protocol_most(int32_t length)
{
	return 2 * length + 1;
}

int32_t rh_protocol_send(int32_t length)
{
	uint8_t *out = rh_protocol.bytes;

	for (int32_t i = 0; i < length; i++) {
		*out++ = (uint8_t)digits[rh_protocol.message[i] >> 4];
		*out++ = (uint8_t)digits[rh_protocol.message[i] & 15];
	}
	*out++ = '\n';
	return (int32_t)(out - rh_protocol.bytes);
}

int32_t rh_protocol_receive(int32_t at, int32_t end)
{
	const uint8_t *in = rh_protocol.bytes;
	int32_t        length = 0, i = at;

	for (; i + 1 < end && in[i] != '\n'; i += 2) {
		uint8_t high = values[in[i]], low = values[in[i + 1]];

		if (((high | low) & 16) || length == (int32_t)RH_PROTOCOL_MESSAGE_MAX)
			return -1;
		rh_protocol.message[length++] = (uint8_t)(high << 4 | low);
	}
	if (i >= end || in[i] != '\n')
		return 0;
	rh_protocol.used = (uint32_t)(i + 1 - at);
	return length ? length : -1;
}
