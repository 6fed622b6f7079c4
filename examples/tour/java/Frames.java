import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** The tour's frames as they stand on the wire; the twins are frames.py and wire_frame.c. */
final class Frames {
    private static final byte[] NIC_MAC = {2, 'R', 'H', 0, 0, 1};
    private static final byte[] PARTNER_MAC = {2, 'R', 'H', 0, 0, 2};
    private static final byte[] CLIENT = {(byte) 198, 51, 100, 1};
    private static final byte[] SERVER = {(byte) 198, 51, 100, 2};
    private static final int HEADS = 14 + 20 + 20, RIGHT = 0xffff;
    private static final String ANSWER = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n";

    private Frames() {
    }

    /** RFC 1071 over bytes [start, end) and a sum of what came before: RIGHT when they hold
     *  their right checksum. */
    private static int checksum(byte[] bytes, int start, int end, long sum) {
        for (int i = start; i < end; i += 2)
            sum += (bytes[i] & 0xff) << 8 | (i + 1 < end ? bytes[i + 1] & 0xff : 0);
        return (int) (~(sum % RIGHT) & RIGHT);
    }

    /** Of the addresses, protocol and length that TCP sums up, too. */
    private static long pseudo(int length) {
        long sum = 6 + length;
        for (byte[] address : new byte[][] {CLIENT, SERVER})
            sum += ((address[0] & 0xff) << 8 | address[1]) + (address[2] << 8 | address[3]);
        return sum;
    }

    /** Writes the frame of request `number`; its length. */
    static int request(int number, byte[] frame) {
        byte[] text = String.format("GET /frame/%010d HTTP/1.1\r\nHost: nic.example\r\n\r\n",
                number).getBytes(StandardCharsets.US_ASCII);
        int length = HEADS + text.length;
        ByteBuffer to = ByteBuffer.wrap(frame);
        to.put(PARTNER_MAC).put(NIC_MAC).putShort((short) 0x0800);
        to.putShort((short) 0x4500).putShort((short) (40 + text.length)).putShort((short) number)
                .putShort((short) 0).put((byte) 64).put((byte) 6).putShort((short) 0).put(CLIENT)
                .put(SERVER);
        to.putShort((short) 40000).putShort((short) 80).putInt(1 + number * text.length).putInt(0)
                .putShort((short) 0x5018).putShort((short) 0xffff).putInt(0).put(text);
        to.putShort(24, (short) checksum(frame, 14, 34, 0));
        to.putShort(50, (short) checksum(frame, 34, length, pseudo(20 + text.length)));
        return length;
    }

    /** The number of a response when every part of the frame is right, else -1. */
    static int response(byte[] frame) {
        ByteBuffer in = ByteBuffer.wrap(frame);
        if (frame.length < HEADS || !Arrays.equals(frame, 0, 6, NIC_MAC, 0, 6)
                || !Arrays.equals(frame, 6, 12, PARTNER_MAC, 0, 6)
                || in.getShort(12) != 0x0800 || frame[14] != 0x45 || frame[23] != 6
                || !Arrays.equals(frame, 26, 30, SERVER, 0, 4)
                || !Arrays.equals(frame, 30, 34, CLIENT, 0, 4)
                || in.getShort(16) != frame.length - 14 || checksum(frame, 14, 34, 0) != RIGHT
                || checksum(frame, 34, frame.length, pseudo(frame.length - 34)) != RIGHT)
            return -1;
        String text = new String(frame, HEADS, frame.length - HEADS, StandardCharsets.US_ASCII);
        if (!text.matches(ANSWER + "[0-9]{10}"))
            return -1;
        int number = Integer.parseInt(text.substring(ANSWER.length()));
        return in.getInt(38) == 1 + number * text.length() ? number : -1;
    }
}
