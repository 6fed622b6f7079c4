#include "wire_frame.h"

#include <stdio.h>
#include <string.h>

enum { ETH = 14, IP = 20, TCP = 20, HEADS = ETH + IP + TCP, HTTP_PORT = 80, PORT = 40000 };

/* client 198.51.100.1, server 198.51.100.2: addresses kept for documentation */
static const uint8_t client_ip[4] = { 198, 51, 100, 1 };
static const uint8_t server_ip[4] = { 198, 51, 100, 2 };

static void put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static unsigned get16(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

/* RFC 1071, over bytes; sum is what was added before. */
static uint32_t add(uint32_t sum, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i + 1 < len; i += 2)
		sum += get16(bytes + i);
	if (len & 1)
		sum += (uint32_t)bytes[len - 1] << 8;
	return sum;
}

static unsigned folded(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* Of the pseudo header, the TCP header and the data; 0xffff when the checksum is right. */
static unsigned tcp_sum(const uint8_t *ip, size_t tcp_len)
{
	uint32_t sum = add(6 + (uint32_t)tcp_len, ip + 12, 8);

	return folded(add(sum, ip + IP, tcp_len));
}

size_t wire_response(uint8_t frame[WIRE_FRAME_MAX], const uint8_t to[6],
                     const uint8_t from[6], uint32_t number)
{
	uint8_t *ip = frame + ETH, *tcp = ip + IP;
	char *text = (char *)(tcp + TCP);
	int len = snprintf(text, WIRE_FRAME_MAX - HEADS,
	                   "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n%010u", number);
	uint32_t sequence = 1 + number * (uint32_t)len;

	memcpy(frame, to, 6);
	memcpy(frame + 6, from, 6);
	put16(frame + 12, 0x0800);
	memset(ip, 0, IP + TCP);
	ip[0] = 0x45;
	put16(ip + 2, (unsigned)(IP + TCP + len));
	put16(ip + 4, number & 0xffff);
	ip[8] = 64;
	ip[9] = 6;
	memcpy(ip + 12, server_ip, 4);
	memcpy(ip + 16, client_ip, 4);
	put16(ip + 10, ~folded(add(0, ip, IP)) & 0xffff);
	put16(tcp, HTTP_PORT);
	put16(tcp + 2, PORT);
	put16(tcp + 4, sequence >> 16);
	put16(tcp + 6, sequence & 0xffff);
	tcp[12] = TCP / 4 << 4;
	tcp[13] = 0x18; /* PSH, ACK */
	put16(tcp + 14, 0xffff);
	put16(tcp + 16, ~tcp_sum(ip, (size_t)(TCP + len)) & 0xffff);
	return (size_t)(HEADS + len);
}

long wire_request(const uint8_t *frame, size_t len)
{
	const uint8_t *ip = frame + ETH, *tcp = ip + IP;
	char text[WIRE_FRAME_MAX];
	unsigned number;
	int end = 0;

	if (len <= HEADS || len >= HEADS + sizeof text || get16(frame + 12) != 0x0800)
		return -1;
	if (ip[0] != 0x45 || ip[9] != 6 || get16(ip + 2) != len - ETH ||
	    memcmp(ip + 12, client_ip, 4) != 0 || memcmp(ip + 16, server_ip, 4) != 0)
		return -1;
	if (folded(add(0, ip, IP)) != 0xffff || tcp_sum(ip, len - ETH - IP) != 0xffff)
		return -1;
	if (get16(tcp + 2) != HTTP_PORT || tcp[12] != TCP / 4 << 4)
		return -1;
	memcpy(text, tcp + TCP, len - HEADS);
	text[len - HEADS] = '\0';
	if (sscanf(text, "GET /frame/%10u HTTP/1.1\r\nHost: nic.example\r\n\r\n%n", &number,
	           &end) != 1 || (size_t)end != len - HEADS)
		return -1;
	uint32_t sequence = (uint32_t)get16(tcp + 4) << 16 | get16(tcp + 6);
	return sequence == 1 + number * (uint32_t)end ? (long)number : -1;
}
