import static java.lang.invoke.MethodType.methodType;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodType;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import rhodes.Handle;
import rhodes.Library;
import rhodes.RhodesError;
import rhodes.RhodesInterfaceError;
import rhodes.RhodesLostError;
import rhodes.RhodesRaisedError;
import rhodes.RhodesRefusedError;
import rhodes.Struct;

/** Every type of libkinds, called by Java.  KindsTest PART...; prints "ok PART" for each. */
public final class KindsTest {
    private static final Library LIB = Library.open("kinds");
    private static int checks;

    private KindsTest() {
    }

    // A small harness.

    static void equal(Object wanted, Object got) {
        checks++;
        if (!java.util.Objects.deepEquals(wanted, got))
            throw new AssertionError("wanted " + show(wanted) + ", got " + show(got));
    }

    private static String show(Object object) {
        return object instanceof Object[] array ? Arrays.deepToString(array)
                : object instanceof byte[] bytes ? Arrays.toString(bytes)
                : object + (object == null ? "" : " (" + object.getClass().getName() + ")");
    }

    static <E extends Throwable> E raises(Class<E> type, Callable<?> part) {
        checks++;
        try {
            part.call();
        } catch (Throwable e) {
            if (type.isInstance(e))
                return type.cast(e);
            throw new AssertionError("wanted " + type.getName() + ", got " + e, e);
        }
        throw new AssertionError("wanted " + type.getName() + ", got nothing");
    }

    static Object call(MethodHandle handle, Object... arguments) throws Exception {
        try {
            return handle.invokeWithArguments(arguments);
        } catch (Exception | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    static Object call(String function, Object... arguments) throws Exception {
        return call(LIB.function(function), arguments);
    }

    static MethodHandle typed(String function, Class<?> result, Class<?>... parameters) {
        return LIB.function(function, MethodType.methodType(result, parameters));
    }

    // The parts.

    static void integers() throws Exception {
        Object[][] limits = {
            {"i8", (byte) -128, (byte) 127}, {"i16", Short.MIN_VALUE, Short.MAX_VALUE},
            {"i32", Integer.MIN_VALUE, Integer.MAX_VALUE},
            {"i64", Long.MIN_VALUE, Long.MAX_VALUE}, {"u8", 0, 255}, {"u16", 0, 65535},
            {"u32", 0L, 4294967295L}, {"u64", 0L, -1L}};
        for (Object[] limit : limits) {
            equal(limit[1], call((String) limit[0], limit[1]));
            equal(limit[2], call((String) limit[0], limit[2]));
        }
        Random random = new Random(6);
        for (int i = 0; i < 1000; i++) {
            long number = random.nextLong();
            equal(number, call("i64", number));
            equal(number, call("u64", number));
            equal((int) number, call("i32", (int) number));
            equal(number & 0xffffffffL, call("u32", number & 0xffffffffL));
        }
    }

    /** What does not fit is refused before anything is sent. */
    static void ranges() throws Exception {
        MethodHandle i8 = typed("i8", int.class, int.class), u16 = typed("u16", char.class,
                char.class), u32 = typed("u32", int.class, int.class), u8 = typed("u8", byte.class,
                byte.class), u64 = typed("u64", BigInteger.class, BigInteger.class);
        equal(-128, call(i8, -128));
        raises(ArithmeticException.class, () -> call(i8, -129));
        raises(ArithmeticException.class, () -> call(i8, 128));
        raises(ArithmeticException.class, () -> call("u8", 256));
        raises(ArithmeticException.class, () -> call("u8", -1));
        raises(ArithmeticException.class, () -> call("u32", -1L));
        raises(ArithmeticException.class, () -> call("u32", 1L << 32));
        equal('\uffff', call(u16, '\uffff'));
        equal(-1, call(u32, -1)); // as bits
        equal((byte) 200, call(u8, (byte) 200));
        BigInteger most = BigInteger.ONE.shiftLeft(64).subtract(BigInteger.ONE);
        equal(most, call(u64, most));
        raises(ArithmeticException.class, () -> call(u64, most.add(BigInteger.ONE)));
        raises(ArithmeticException.class, () -> call(u64, BigInteger.ONE.negate()));
        MethodHandle narrow = typed("u64", int.class, long.class);
        equal(7, call(narrow, 7L));
        raises(ArithmeticException.class, () -> call(narrow, 1L << 31));
        raises(ArithmeticException.class, () -> call(narrow, -1L));
        equal(true, call(typed("u8", boolean.class, boolean.class), true));
        raises(RhodesInterfaceError.class, () -> typed("i32", String.class, int.class));
        raises(RhodesInterfaceError.class, () -> typed("i32", int.class, int.class, int.class));
        raises(RhodesInterfaceError.class, () -> typed("f64", float.class, float.class));
        raises(RhodesInterfaceError.class, () -> LIB.function("nothing"));
        equal(1004, raises(RhodesRefusedError.class, () -> Library.open("nobody")).code());
        raises(NullPointerException.class, () -> Library.open(null));
        raises(NullPointerException.class, () -> call("pot_get", (Object) null));
    }

    static void floats() throws Throwable {
        MethodHandle f32 = typed("f32", float.class, float.class);
        MethodHandle f64 = typed("f64", double.class, double.class);
        for (int bits : new int[] {0, 1, 0x7f7fffff, 0x80000000, 0x7f800000, 0x7fc00001, 0xffdeadbe,
            0x7fa00001}) // the last: one that signals
            equal(bits, Float.floatToRawIntBits((float) f32.invokeExact(
                    Float.intBitsToFloat(bits))));
        for (long bits : new long[] {0, 1, 0x7fefffffffffffffL, 0x7ff0000000000000L,
            0x7ff8000000000001L, 0xfffdeadbeefdeadbL, 0x7ff4000000000001L})
            equal(bits, Double.doubleToRawLongBits((double) f64.invokeExact(
                    Double.longBitsToDouble(bits))));
        equal(0.5, call(typed("f32", double.class, double.class), 0.5));
    }

    static void texts() throws Exception {
        for (String text : new String[] {"", "a", "gr\u00fc\u00dfe \u4e16\u754c \ud83d\ude00",
            "x".repeat(70_000), "\u00e4".repeat(1_000_000)}) {
            equal(text, call("text", text));
            equal(text + text, call("newText", text));
            equal(text.getBytes("UTF-8").length, call("kinds_text_length", text));
        }
        equal(-1, call("text_length", (Object) null));
        equal("text must not be null", raises(NullPointerException.class,
                () -> call("text", (Object) null)).getMessage());
        raises(IllegalArgumentException.class, () -> call("text", "a\0b"));
        raises(IllegalArgumentException.class, () -> call("text", "\ud800"));
        MethodHandle raw = typed("text", byte[].class, byte[].class);
        byte[] bytes = {(byte) 0xff, 'a', (byte) 0xc3};
        equal(bytes, call(raw, bytes));
        raises(IllegalArgumentException.class, () -> call(raw, new byte[] {1, 0, 2}));
        raises(IllegalArgumentException.class,
                () -> call(typed("text", String.class, byte[].class), bytes));
    }

    static void bytes() throws Exception {
        byte[] some = new byte[1000];
        new Random(1).nextBytes(some);
        long sum = 0;
        for (byte each : some)
            sum += each & 0xff;
        equal(0L, call("sum", new byte[0]));
        equal(sum, call("sum", some));
        MethodHandle buffer = typed("sum", long.class, ByteBuffer.class);
        ByteBuffer direct = ByteBuffer.allocateDirect(1010).position(10);
        direct.put(some).position(10);
        equal(sum, call(buffer, direct));
        equal(sum, call(buffer, ByteBuffer.wrap(some)));
        MethodHandle told = typed("sum", long.class, byte[].class, long.class);
        equal(some[0] & 0xffL, call(told, some, 1L));
        raises(IndexOutOfBoundsException.class, () -> call(told, some, 1001L));
        raises(IndexOutOfBoundsException.class, () -> call(told, some, -1L));
        equal(6L, call(typed("sum32", long.class, int[].class), new int[] {1, 2, 3}));
        equal(new Object[] {2, new byte[] {3, 0}}, call("kinds_raise", new byte[] {2, -1}));
        MethodHandle raise = typed("kinds_raise", int.class, byte[].class);
        byte[] own = {1, 2};
        equal(2, call(raise, own));
        equal(new byte[] {2, 3}, own);
        call(typed("lower", void.class, byte[].class), own); // what comes out is not lost
        equal(new byte[] {1, 2}, own);
        call(typed("lower", void.class, ByteBuffer.class), ByteBuffer.wrap(own));
        equal(new byte[] {0, 1}, own);
        call(typed("lower", void.class, byte[].class, long.class), own, 1L);
        equal(new byte[] {-1, 1}, own);
        equal(new byte[] {-2, 0}, call("lower", own));
        equal(new byte[] {-1, 1}, own);
        equal(new byte[] {3, 1, 4}, call("peek", 3L));
        equal(new byte[] {3, 1, 4, 1, 5}, call("peek", 99L));
    }

    static void room() throws Exception {
        equal(new Object[] {5, "hello".getBytes()}, call("fill", "hello", 10L));
        equal(new Object[] {5, "he".getBytes()}, call("fill", "hello", 2L));
        MethodHandle fill = typed("fill", int.class, String.class, byte[].class, long[].class);
        byte[] room = new byte[3];
        long[] used = new long[1];
        equal(5, call(fill, "hello", room, used));
        equal("hel", new String(room));
        equal(3L, used[0]);
        equal(new Object[] {2L, new byte[] {0, 1}}, call("read", 3L));
        equal(new Object[] {-1L, new byte[0]}, call("read", 0L));
        equal(22, Library.errno());
        byte[] read = new byte[5];
        equal(4L, call(typed("read", long.class, byte[].class), read));
        equal(new byte[] {0, 1, 2, 3, 0}, read);
        ByteBuffer direct = ByteBuffer.allocateDirect(4);
        equal(3L, call(typed("read", long.class, ByteBuffer.class), direct));
        equal((byte) 2, direct.get(2));
        MethodHandle take = typed("take", void.class, byte[].class, int[].class);
        int[] told = {5};
        call(take, read, told);
        equal(3, told[0]);
        equal(new byte[] {0, 1, 2, 3, 0}, read);
        told[0] = 2;
        call(take, room, told);
        equal(new byte[] {0, 1, 'l'}, room);
        raises(IndexOutOfBoundsException.class, () -> call(take, room, new int[] {4}));
        raises(IndexOutOfBoundsException.class, () -> call(take, room, new int[] {-1}));
        raises(RhodesInterfaceError.class,
                () -> typed("take", void.class, byte[].class, Integer[].class));
    }

    /** As large as a payload may be, and what is over. */
    static void large() throws Exception {
        int most = 64 << 20;
        byte[] large = new byte[most];
        Arrays.fill(large, (byte) 2);
        equal(2L * most, call("sum", large));
        large = null;
        ByteBuffer direct = ByteBuffer.allocateDirect(most);
        equal(0L, call(typed("sum", long.class, ByteBuffer.class), direct));
        equal((long) most - 1, ((Object[]) call("read", (long) most))[0]);
        equal(90, raises(RhodesError.class, () -> call("sum", new byte[(64 << 20) + 1])).code());
    }

    record Point(short x, short y) { }

    record Plain(byte[] tag, int low, int high, double weight, Point[] at, byte[] either,
                 BigInteger big) { }

    static final class Mutable {
        byte[] tag = {7, 8, 9};
        int low, high;
        double weight;
        Point[] at = {};
        byte[] either = {};
        long big;
    }

    record Made(int result, Plain plain) { }

    private static void check(Plain plain, int low) {
        equal(new byte[] {3, 2, 1}, plain.tag());
        equal(low, plain.low());
        equal(1.5, plain.weight());
        equal(new Point((short) 2, (short) 2), plain.at()[0]);
        equal(new Point((short) 3, (short) 5), plain.at()[1]);
    }

    static void structs() throws Exception {
        Plain plain = new Plain(new byte[] {1, 2, 3}, -16, 2046, 0.5, new Point[] {
            new Point((short) 1, (short) 2), new Point((short) 3, (short) 4)},
            new byte[] {1, 0, 0, 0}, BigInteger.ONE.shiftLeft(63));
        Plain back = (Plain) call(typed("plain", Plain.class, Plain.class), plain);
        check(back, -15);
        equal(2047, back.high());
        equal(new byte[] {2, 0, 0, 0}, back.either());
        equal(BigInteger.ONE.shiftLeft(63).add(BigInteger.ONE), back.big());
        Made turned = (Made) call(typed("turn", Made.class, Plain.class), plain);
        equal(-15, turned.result());
        check(turned.plain(), -15);
        Made made = (Made) call(typed("make", Made.class, int.class), 5);
        equal(5, made.plain().low());
        equal(-16, call(typed("check", int.class, Plain.class), plain));
        equal(-100, call("check", (Object) null));
        raises(ArithmeticException.class, () -> call(typed("check", int.class, Plain.class),
                new Plain(new byte[3], 16, 0, 0, new Point[0], new byte[0], BigInteger.ZERO)));
        raises(IllegalArgumentException.class, () -> call(typed("check", int.class, Plain.class),
                new Plain(new byte[4], 0, 0, 0, new Point[0], new byte[0], BigInteger.ZERO)));
        raises(RhodesInterfaceError.class, () -> typed("check", int.class, Point.class));
    }

    static void objects() throws Exception {
        Mutable mutable = new Mutable();
        byte[] tag = mutable.tag;
        equal(5, call(typed("make", int.class, int.class, Mutable.class), 5, mutable));
        equal(true, tag == mutable.tag); // filled, not replaced
        equal(new byte[] {1, 2, 3}, mutable.tag);
        equal(-1L, mutable.big);
        equal(2047, mutable.high);
        mutable.high = 3;
        equal(6, call(typed("turn", int.class, Mutable.class), mutable));
        equal(6, mutable.low);
        equal(4, mutable.high);
        equal(6, call(typed("check", int.class, Mutable.class), mutable));
        call(typed("turn", void.class, Mutable.class), mutable);
        equal(7, mutable.low);
        Struct struct = new Struct().set("low", 3).set("tag", new byte[] {1}).set("weight", 2.0);
        Struct back = (Struct) call("plain", struct);
        equal(4L, back.get("low"));
        equal(3.0, back.get("weight"));
        equal(new byte[] {0, 0, 1}, back.get("tag"));
        equal(4, ((Object[]) call("turn", struct))[0]);
        raises(IllegalArgumentException.class, () -> call("plain", new Struct().set("hihg", 1)));
    }

    record Division(int quotient, int rest) { }

    /** Some of libkinds. */
    interface Kinds {
        int i32(int a);

        String kinds_text(String text);

        Division divide(int a, int b);

        int pots();

        default int twice(int a) {
            return 2 * i32(a);
        }
    }

    interface Wrong {
        int i32(int a, int b);
    }

    static void interfaces() throws Exception {
        Kinds kinds = LIB.as(Kinds.class);
        equal(5, kinds.i32(5));
        equal("text", kinds.kinds_text("text"));
        equal(new Division(3, 2), kinds.divide(17, 5));
        equal(0, kinds.pots());
        equal(14, kinds.twice(7));
        equal(kinds, kinds);
        equal("KindsTest$Kinds of libkinds", kinds.toString());
        raises(NullPointerException.class, () -> kinds.kinds_text(null));
        raises(RhodesInterfaceError.class, () -> LIB.as(Wrong.class));
    }

    static void outs() throws Exception {
        equal(new Object[] {3, 2}, call("divide", 17, 5));
        equal(new Division(3, 2), call(typed("divide", Division.class, int.class, int.class),
                17, 5));
        int[] quotient = new int[1], rest = new int[1];
        call(typed("divide", void.class, int.class, int.class, int[].class, int[].class), 17, 5,
                quotient, rest);
        equal(3, quotient[0]);
        equal(2, rest[0]);
        equal(new Object[] {4, 5}, call("count", 4));
        int[] counter = {4};
        equal(4, call(typed("count", int.class, int[].class), (Object) counter));
        equal(5, counter[0]);
        byte[] id = new byte[16], out = new byte[16];
        id[0] = 9;
        equal((byte) 9, ((byte[]) call("id", id))[15]);
        call(typed("id", void.class, byte[].class, byte[].class), id, out);
        equal((byte) 9, out[15]);
        equal(-1, call("fail", 71));
        equal(71, Library.errno());
    }

    static void handles() throws Exception {
        equal(0, call("pots"));
        Handle pot = (Handle) call("pot", 5);
        equal(5, call("potGet", pot));
        Handle other = (Handle) ((Object[]) call("potPour", pot))[1];
        equal(2, call("pots"));
        call("potClose", pot);
        equal(true, pot.isClosed());
        equal(1007, raises(RhodesError.class, () -> call("potGet", pot)).code());
        pot.close();
        other.close();
        equal(0, call("pots"));
        MethodHandle raw = typed("pot", long.class, int.class);
        long number = (long) call(raw, 6);
        equal(6, call(typed("potGet", int.class, long.class), number));
        equal(1007, raises(RhodesError.class,
                () -> call(typed("potGet", int.class, long.class), 12345L)).code());
        call(typed("potClose", void.class, long.class), number);
        equal(0, call("pots"));
    }

    /** What nobody has any more is destroyed in the callee. */
    static void collected() throws Exception {
        for (int i = 0; i < 1000; i++)
            call("pot", i);
        while ((int) call("pots") > 0) // the collector says when
            System.gc();
        checks++;
    }

    /** Whoever asks for the next one has all of them, in order. */
    static void events() throws Exception {
        call("ring", 7L, 3);
        short first = 0;
        for (int i = 0; i < 3; i++) {
            Object[] event = (Object[]) call("rung"); // waits
            short number = ((Number) ((Struct) event[2]).get("x")).shortValue();
            first = i == 0 ? number : first;
            equal(new Object[] {0, 7L, first + i}, new Object[] {event[0], event[1], (int) number});
            equal(-1, ((Number) ((Struct) event[2]).get("y")).intValue());
        }
    }

    /** A server in Java throws in the place of the next one. */
    static void lastEvent() throws Exception {
        call("ring", -13L, 1);
        equal(13, call("i32", 13));
    }

    /** With RHODES_TIMEOUT_MS, as nobody rings. */
    static void noEvent() throws Exception {
        RhodesError none = raises(RhodesError.class, () -> call("rung"));
        equal(RhodesError.class, none.getClass());
        equal(11, none.code());
        equal("no event kinds_rung came", none.getMessage());
        equal(false, none.ran());
    }

    private static void together(int threads, Callable<?> part) throws Exception {
        AtomicReference<Throwable> wrong = new AtomicReference<>();
        Thread[] all = new Thread[threads];
        for (int i = 0; i < threads; i++) {
            all[i] = new Thread(() -> {
                try {
                    part.call();
                } catch (Throwable e) {
                    wrong.set(e);
                }
            });
            all[i].start();
        }
        for (Thread thread : all)
            thread.join();
        if (wrong.get() != null)
            throw new AssertionError(wrong.get());
    }

    static void threads() throws Exception {
        MethodHandle i32 = typed("i32", int.class, int.class);
        MethodHandle text = typed("text", String.class, String.class);
        AtomicInteger next = new AtomicInteger();
        together(64, () -> {
            for (int i = 0; i < 200; i++) {
                int number = next.getAndIncrement();
                equal(number, call(i32, number));
                equal("n" + number, call(text, "n" + number));
            }
            return null;
        });
        equal(64 * 200, next.get());
    }

    /** Each gets a page of its own and gives it back; one after the other, and all at once. */
    static void shortThreads() throws Exception {
        MethodHandle i32 = typed("i32", int.class, int.class);
        AtomicInteger sum = new AtomicInteger();
        Runnable call = () -> {
            try {
                sum.addAndGet((int) i32.invokeExact(1));
            } catch (Throwable e) {
                throw new AssertionError(e);
            }
        };
        for (int i = 0; i < 1000; i++) {
            Thread thread = new Thread(call);
            thread.start();
            thread.join();
        }
        equal(1000, sum.get());
        Thread[] all = new Thread[1000];
        for (int i = 0; i < all.length; i++) {
            all[i] = new Thread(call);
            all[i].start();
        }
        for (Thread thread : all)
            thread.join();
        equal(2000, sum.get());
    }

    /** Descriptors and mappings of pages that the process has. */
    private static long held() throws Exception {
        try (var maps = java.nio.file.Files.lines(java.nio.file.Path.of("/proc/self/maps"))) {
            return new java.io.File("/proc/self/fd").list().length
                    + maps.filter(line -> line.contains("memfd")).count();
        }
    }

    private static void much(MethodHandle i32, MethodHandle text, MethodHandle pot)
            throws Throwable {
        for (int i = 0; i < 100_000; i++) {
            equal(i, (int) i32.invokeExact(i));
            equal("texttext", (String) text.invokeExact("text"));
            ((Handle) pot.invokeExact(i)).close();
        }
    }

    /** Nothing here and nothing in the callee is left of many calls. */
    static void leaks() throws Throwable {
        MethodHandle i32 = typed("i32", int.class, int.class);
        MethodHandle text = typed("new_text", String.class, String.class);
        MethodHandle pot = typed("pot", Handle.class, int.class);
        much(i32, text, pot);
        shortThreads();
        long before = held();
        much(i32, text, pot);
        shortThreads();
        equal(0, call("pots"));
        equal(true, held() <= before + 4); // two threads of the JVM's own may come meanwhile
    }

    /** Rounds of four calls, as tests/system/leaks.py asks for them. */
    static void leave() throws Throwable {
        MethodHandle i32 = typed("i32", int.class, int.class);
        MethodHandle text = typed("new_text", String.class, String.class);
        MethodHandle pot = typed("pot", Handle.class, int.class);
        java.util.Scanner words = new java.util.Scanner(System.in);
        while (words.hasNextInt()) {
            int rounds = words.nextInt();
            for (int i = 0; i < rounds; i++) {
                equal(i, (int) i32.invokeExact(i));
                equal("texttext", (String) text.invokeExact("text"));
                ((Handle) pot.invokeExact(i)).close();
            }
            System.out.println(call("pots"));
        }
        System.exit(0);
    }

    /** Of a callee in Java: what it throws comes with its stack. */
    static void raised() throws Exception {
        RhodesRaisedError raised = raises(RhodesRaisedError.class, () -> call("i32", -13));
        equal("java", raised.language());
        equal("java.lang.IllegalStateException", raised.type());
        equal("thirteen \u00fc", raised.getMessage());
        equal(true, raised.stack().contains("at KindsServer.i32(KindsServer.java:"));
        equal(1019, raised.code());
        equal(13, call("i32", 13));
        RhodesRaisedError divided = raises(RhodesRaisedError.class, () -> call("divide", 1, 0));
        equal("java.lang.ArithmeticException", divided.type());
    }

    static void dies() throws Exception {
        Handle pot = (Handle) call("pot", 1);
        RhodesLostError lost = raises(RhodesLostError.class, () -> call("die"));
        equal(1002, lost.code());
        equal(true, lost.ran());
        while (true) { // until it has been started again
            try {
                equal(5, call("i32", 5));
                break;
            } catch (RhodesLostError e) {
                equal(false, e.getMessage().isEmpty());
            }
        }
        raises(RhodesLostError.class, () -> call("potGet", pot));
        pot.close();
    }

    public static void main(String[] parts) throws Throwable {
        for (String part : parts) {
            KindsTest.class.getDeclaredMethod(part).invoke(null);
            System.out.println("ok " + part);
        }
        System.out.println(checks + " checks");
    }
}
