import java.math.BigInteger;
import java.util.Arrays;
import java.util.Iterator;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import rhodes.Server;
import rhodes.Serves;

/** libkinds in Java: what kinds.c does.  i32 of -13 throws. */
public final class KindsServer {
    private static final AtomicInteger POTS = new AtomicInteger();

    public record Point(short x, short y) { }

    public record Plain(byte[] tag, byte low, int high, double weight, Point[] at, byte[] either,
                        BigInteger big) { }

    public record Made(int result, Plain plain) { }

    public record Filled(long result, byte[] bytes) { }

    public record Two(int first, int second) { }

    public record Poured(int result, Pot made) { }

    /** What a handle stands for. */
    public static final class Pot {
        private final int number;

        Pot(int number) {
            this.number = number;
            POTS.incrementAndGet();
        }
    }

    public byte i8(byte a) {
        return a;
    }

    public int u8(int a) {
        return a;
    }

    public short i16(short a) {
        return a;
    }

    public char u16(char a) {
        return a;
    }

    public int i32(int a) {
        if (a == -13)
            throw new IllegalStateException("thirteen \u00fc");
        return a;
    }

    public static long u32(long a) {
        return a;
    }

    public long i64(long a) {
        return a;
    }

    public BigInteger u64(BigInteger a) {
        return a;
    }

    public float f32(float a) {
        return a;
    }

    @Serves("kinds_f64")
    public double anyName(double a) {
        return a;
    }

    public byte[] text(byte[] text) {
        return text;
    }

    public byte[] newText(byte[] text) {
        byte[] twice = Arrays.copyOf(text, 2 * text.length);
        System.arraycopy(text, 0, twice, text.length, text.length);
        return twice;
    }

    public int textLength(byte[] text) {
        return text == null ? -1 : text.length;
    }

    public long sum(byte[] bytes) {
        long sum = 0;
        for (byte each : bytes)
            sum += each & 0xff;
        return sum;
    }

    public Filled fill(byte[] seed, long room) {
        return new Filled(seed.length, Arrays.copyOf(seed, (int) Math.min(seed.length, room)));
    }

    public Filled read(long room) {
        if (room == 0) {
            Server.setErrno(22);
            return new Filled(-1, new byte[0]);
        }
        byte[] bytes = new byte[(int) room - 1];
        for (int i = 0; i < bytes.length; i++)
            bytes[i] = (byte) i;
        return new Filled(bytes.length, bytes);
    }

    public long sum32(byte[] numbers) {
        java.nio.IntBuffer each = java.nio.ByteBuffer.wrap(numbers)
                .order(java.nio.ByteOrder.nativeOrder()).asIntBuffer();
        long sum = 0;
        while (each.hasRemaining())
            sum += each.get();
        return sum;
    }

    public Filled raise(byte[] bytes) {
        for (int i = 0; i < bytes.length; i++)
            bytes[i]++;
        return new Filled(bytes.length, bytes);
    }

    public byte[] lower(byte[] bytes) {
        for (int i = 0; i < bytes.length; i++)
            bytes[i]--;
        return bytes;
    }

    public byte[] take(long room) {
        return Arrays.copyOf(new byte[] {0, 1, 2}, (int) Math.min(room, 3));
    }

    public byte[] peek(long wanted) {
        return Arrays.copyOf(new byte[] {3, 1, 4, 1, 5}, (int) Math.min(wanted, 5));
    }

    private static byte[] more(byte[] either) {
        byte[] more = either.clone();
        for (int i = 0; i < 4 && ++more[i] == 0; i++) // carries
            continue;
        return more;
    }

    public Plain plain(Plain p) {
        Point first = p.at[0], second = p.at[1];
        return new Plain(new byte[] {p.tag[2], p.tag[1], p.tag[0]}, (byte) (p.low + 1), p.high + 1,
                p.weight + 1, new Point[] {new Point((short) (first.x + 1), first.y),
                    new Point(second.x, (short) (second.y + 1))}, more(p.either),
                p.big.add(BigInteger.ONE).mod(BigInteger.ONE.shiftLeft(64)));
    }

    public Made turn(Plain plain) {
        Plain turned = plain(plain);
        return new Made(turned.low, turned);
    }

    public Made make(int seed) {
        return new Made(seed, new Plain(new byte[] {1, 2, 3}, (byte) seed, 2047, 0.5, new Point[] {
            new Point((short) 1, (short) 2), new Point((short) 3, (short) 4)},
                new byte[] {-1, -1, -1, -1},
                BigInteger.ONE.shiftLeft(64).subtract(BigInteger.ONE)));
    }

    public int check(Plain plain) {
        return plain == null ? -100 : plain.low;
    }

    public Two divide(int a, int b) {
        return new Two(a / b, a % b);
    }

    public Two count(int counter) {
        return new Two(counter, counter + 1);
    }

    public byte[] id(byte[] in) {
        byte[] out = new byte[16];
        for (int i = 0; i < 16; i++)
            out[i] = in[15 - i];
        return out;
    }

    public int fail(int number) {
        Server.setErrno(number);
        return -1;
    }

    public Pot pot(int number) {
        return new Pot(number);
    }

    public int potGet(Pot pot) {
        return pot.number;
    }

    public Poured potPour(Pot from) {
        return new Poured(0, new Pot(from.number));
    }

    public void potClose(Pot pot) {
        POTS.decrementAndGet();
    }

    public int pots() {
        return POTS.get();
    }

    public record Rung(int result, long who, Point number) { }

    private final BlockingQueue<Long> rings = new LinkedBlockingQueue<>();

    public void ring(long who, int count) {
        for (int i = 0; i < count; i++)
            rings.add(who);
    }

    public Iterator<Rung> rung() {
        AtomicInteger number = new AtomicInteger();
        return Stream.generate(() -> {
            try {
                long who = rings.take();
                if (who == -13)
                    throw new IllegalStateException("nobody rings \u00fc");
                return new Rung(0, who, new Point((short) number.incrementAndGet(), (short) -1));
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }).iterator();
    }

    public int die() {
        Runtime.getRuntime().halt(3);
        return 0;
    }
}
