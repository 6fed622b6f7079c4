"""The tour's frames as they stand on the wire: Ethernet, IPv4, TCP and one HTTP message
with a number in it.  The twin in C is wire_frame.c.
"""
import struct

NIC_MAC, PARTNER_MAC = b"\x02RH\x00\x00\x01", b"\x02RH\x00\x00\x02"
CLIENT, SERVER = bytes((198, 51, 100, 1)), bytes((198, 51, 100, 2))
CLIENT_PORT, SERVER_PORT = 40000, 80
HEADS = 14 + 20 + 20
RIGHT = 0xFFFF


def checksum(data):
    """RFC 1071: ones' complement sum of 16-bit words is arithmetic modulo 65535.  Over
    data that holds its right checksum it is RIGHT."""
    if len(data) % 2:
        data += b"\0"
    return ~(int.from_bytes(data, "big") % 0xFFFF) & 0xFFFF


def request(number):
    """The frame of request `number`."""
    text = b"GET /frame/%010d HTTP/1.1\r\nHost: nic.example\r\n\r\n" % number
    size = len(text)
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40 + size, number & 0xFFFF, 0, 64, 6, 0,
                     CLIENT, SERVER)
    tcp = struct.pack("!HHIIBBHHH", CLIENT_PORT, SERVER_PORT,
                      (1 + number * size) & 0xFFFFFFFF, 0, 0x50, 0x18, 0xFFFF, 0, 0)
    pseudo = CLIENT + SERVER + struct.pack("!HH", 6, 20 + size)
    ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
    tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp + text)) + tcp[18:]
    return PARTNER_MAC + NIC_MAC + b"\x08\x00" + ip + tcp + text


def response(frame):
    """The number of a response when every part of the frame is right, else -1."""
    ip, tcp, text = frame[14:34], frame[34:54], frame[54:]
    if (frame[:14] != NIC_MAC + PARTNER_MAC + b"\x08\x00" or len(frame) < HEADS
            or ip[0] != 0x45 or ip[9] != 6 or ip[12:20] != SERVER + CLIENT
            or int.from_bytes(ip[2:4], "big") != len(frame) - 14 or checksum(ip) != RIGHT):
        return -1
    pseudo = ip[12:20] + struct.pack("!HH", 6, len(tcp) + len(text))
    if checksum(pseudo + tcp + text) != RIGHT:
        return -1
    head, _, body = text.partition(b"\r\n\r\n")
    if head != b"HTTP/1.1 200 OK\r\nContent-Length: 10" or not body.isdigit():
        return -1
    number = int(body)
    sequence = int.from_bytes(tcp[4:8], "big")
    return number if sequence == (1 + number * len(text)) & 0xFFFFFFFF else -1
