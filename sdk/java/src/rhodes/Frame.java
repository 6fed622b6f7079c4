package rhodes;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** The memory of one call: C objects at fixed places, then texts and bytes.  Each thread has one,
 *  and another one for a call inside of a call's conversions. */
final class Frame {
    /** The first bytes: errno of a served function. */
    static final int HEAD = 16;
    private static final int ROOM = 1 << 16;
    private static final ThreadLocal<Frame> OWN = ThreadLocal.withInitial(() -> new Frame(ROOM));

    final ByteBuffer memory;
    final long address;
    private int top;                 // what is used up to there
    private boolean isUsed;
    private final List<Long> spilled = new ArrayList<>(0); // what did not fit, to be freed
    private final Object[] kept = new Object[64];          // reachable during the call
    private int keptCount;

    private Frame(int bytes) {
        this(ByteBuffer.allocateDirect(bytes));
    }

    Frame(ByteBuffer memory) {
        this.memory = memory.order(ByteOrder.nativeOrder());
        address = Native.address(memory);
    }

    /** The thread's frame, of which `fixed` bytes hold C objects. */
    static Frame enter(int fixed) {
        Frame frame = OWN.get();
        if (frame.isUsed || fixed > ROOM)
            frame = new Frame(Math.max(ROOM, fixed));
        frame.begin(fixed);
        return frame;
    }

    void begin(int fixed) {
        isUsed = true;
        top = fixed;
    }

    void leave() {
        isUsed = false;
        if (keptCount > 0)
            forget();
        if (!spilled.isEmpty()) {
            spilled.forEach(Native::free);
            spilled.clear();
        }
    }

    private void forget() {
        for (int i = 0; i < keptCount; i++) {
            Reference.reachabilityFence(kept[i]);
            kept[i] = null;
        }
        keptCount = 0;
    }

    void call(long plan) {
        int code = Native.call(plan, address);
        if (code < 0)
            throw failure(code);
    }

    /** A count or an address; a negative code is thrown. */
    static long checked(long result) {
        if (result < 0)
            throw failure((int) result);
        return result;
    }

    static RhodesError failure(int code) {
        byte[][] raised = Native.lastException();
        String[] texts = raised == null ? null : new String[4];
        for (int i = 0; texts != null && i < 4; i++)
            texts[i] = new String(raised[i], StandardCharsets.UTF_8);
        return RhodesError.of(-code, Native.lastRan(),
                new String(Native.lastError(), StandardCharsets.UTF_8), texts);
    }

    /** Keeps it reachable until the call is over. */
    void keep(Object object) {
        kept[keptCount++] = object;
    }

    /** Room for bytes: an offset in the frame, or -1 when there is none. */
    private int room(long bytes) {
        int at = (top + 7) & ~7;
        if (bytes > memory.capacity() - at)
            return -1;
        top = at + (int) bytes;
        return at;
    }

    /** Memory of that size until the call is over; its address. */
    long take(long bytes) {
        int at = room(bytes);
        if (at >= 0)
            return address + at;
        long far = Native.allocate(bytes);
        spilled.add(far);
        return far;
    }

    /** Copies of bytes, with `tail` zeros behind; their address. */
    long put(byte[] bytes, int tail) {
        int at = room((long) bytes.length + tail);
        if (at >= 0) {
            memory.put(at, bytes);
            if (tail > 0)
                memory.put(at + bytes.length, (byte) 0);
            return address + at;
        }
        long far = take((long) bytes.length + tail);
        Native.write(far, bytes, 0, bytes.length);
        if (tail > 0)
            Native.write(far + bytes.length, new byte[] {0}, 0, 1);
        return far;
    }

    /** A text as UTF-8 with its NUL; its address.  label: what an error says of it. */
    long put(String label, String text) {
        int length = text.length(), at = (top + 7) & ~7;
        if (length < memory.capacity() - at) {
            int i = 0;
            for (char c; i < length && (c = text.charAt(i)) < 128 && c != 0; i++)
                memory.put(at + i, (byte) c);
            if (i == length) {
                memory.put(at + i, (byte) 0);
                top = at + length + 1;
                return address + at;
            }
        }
        return put(encode(label, text), 1);
    }

    static IllegalArgumentException holdsNul(String label) {
        return new IllegalArgumentException(label + " holds a NUL");
    }

    /** UTF-8 of a text that C can have. */
    static byte[] encode(String label, String text) {
        if (text.indexOf('\0') >= 0)
            throw holdsNul(label);
        try {
            ByteBuffer bytes = StandardCharsets.UTF_8.newEncoder()
                    .onMalformedInput(CodingErrorAction.REPORT).encode(CharBuffer.wrap(text));
            byte[] made = new byte[bytes.remaining()];
            bytes.get(made);
            return made;
        } catch (CharacterCodingException e) {
            throw new IllegalArgumentException(
                    label + " has half a surrogate pair, which has no UTF-8");
        }
    }

    static String decode(byte[] bytes) {
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
        } catch (CharacterCodingException e) {
            throw new IllegalArgumentException(
                    "the text that came is no UTF-8; take it as byte[]");
        }
    }

    /** The bytes of a C string, in the frame or anywhere. */
    byte[] text(long pointer) {
        return bytes(pointer, Native.textLength(pointer));
    }

    byte[] bytes(long pointer, long length) {
        byte[] bytes = new byte[Math.toIntExact(length)];
        read(pointer, bytes, 0, bytes.length);
        return bytes;
    }

    void read(long pointer, byte[] to, int offset, int length) {
        long at = pointer - address;
        if (at >= 0 && at + length <= memory.capacity())
            memory.get((int) at, to, offset, length);
        else if (length > 0)
            Native.read(pointer, to, offset, length);
    }
}
