import java.util.Arrays;

/** A program with native methods that knows nothing of Rhodes: with the agent and without it, by
 *  the exports of the shadow library, it says the same. */
public final class JniProgram {
    static {
        System.loadLibrary("kinds");
    }

    private JniProgram() {
    }

    /** Nested classes have a name of their own. */
    static final class Numbers {
        static native byte kindsI8(byte number);

        static native int kindsU8(int number);

        static native short i16(short number);

        static native int kinds_u16(int number);

        static native long u32(long number);

        static native long kindsI64(long number);

        static native long kindsU64(long number);

        static native float kindsF32(float number);

        static native double f64(double number);

        native void kindsDivide(int a, int b, int[] quotient, int[] rest);

        native int count(int[] counter);
    }

    static native int kindsI32(int number);

    static native String text(String text);

    static native String kindsNewText(String text);

    static native int kindsTextLength(String text);

    static native long sum(byte[] bytes);

    static native long sum(byte[] bytes, long length);

    static native long kindsSum32(int[] numbers);

    static native int kindsRaise(byte[] bytes);

    static native void kindsLower(byte[] bytes);

    static native void take(byte[] bytes, long[] room);

    static native int kindsFill(String seed, byte[] bytes, long[] used);

    static native long read(byte[] bytes);

    static native byte[] kindsPeek(long wanted, long[] length);

    static native int fail(int number);

    native long pot(int number);

    native int potPour(long from, long[] made);

    static native int potGet(long pot);

    static native void potClose(long pot);

    static native int pots();

    static native int kindsDie();

    private interface Part {
        Object run();
    }

    private static void say(String name, Part part) {
        Object said;
        try {
            said = part.run();
            if (said instanceof byte[] bytes)
                said = Arrays.toString(bytes);
        } catch (RuntimeException e) {
            said = (e instanceof ArithmeticException || e instanceof NullPointerException
                    || e instanceof IllegalArgumentException
                    || e instanceof IndexOutOfBoundsException ? e.getClass().getName() : "failed")
                    + (e.getMessage() != null
                            && e.getMessage().matches(".*(not between|holds a NUL|text must not).*")
                            ? ": " + e.getMessage() : "");
        }
        System.out.println(name + " " + said);
    }

    private static void numbers() {
        Numbers object = new Numbers();
        say("i8", () -> Numbers.kindsI8((byte) -128));
        say("u8", () -> Numbers.kindsU8(255) + " " + Numbers.kindsU8(128));
        say("u8 over", () -> Numbers.kindsU8(256));
        say("u8 under", () -> Numbers.kindsU8(-1));
        say("i16", () -> Numbers.i16(Short.MIN_VALUE));
        say("u16", () -> Numbers.kinds_u16(65535));
        say("u16 over", () -> Numbers.kinds_u16(65536));
        say("i32", () -> kindsI32(Integer.MIN_VALUE));
        say("u32", () -> Numbers.u32(0xffffffffL));
        say("u32 over", () -> Numbers.u32(0x100000000L));
        say("i64", () -> Numbers.kindsI64(Long.MIN_VALUE));
        say("u64", () -> Long.toUnsignedString(Numbers.kindsU64(-1)));
        say("f32", () -> Integer.toHexString(Float.floatToRawIntBits(
                Numbers.kindsF32(Float.intBitsToFloat(0x7fc12345)))));
        say("f64", () -> Numbers.f64(-1.5e300));
        int[] quotient = {0}, rest = {0}, counter = {41};
        object.kindsDivide(17, 5, quotient, rest);
        say("divide", () -> quotient[0] + " " + rest[0]);
        say("count", () -> object.count(counter) + " " + counter[0]);
        say("no room", () -> object.count(new int[0]));
    }

    private static void texts() {
        for (String each : new String[] {"", "gr\u00fc\u00df", "\u20ac", "\ud83d\ude00", "a\0b",
                "half \ud83d", "\ude00"})
            say("text", () -> text(each));
        say("new", () -> kindsNewText("ab"));
        say("long", () -> text("x\u00e4".repeat(40000)).hashCode());
        say("length", () -> kindsTextLength("\u20ac") + " " + kindsTextLength(null));
        say("null", () -> text(null));
    }

    private static String taken(byte[] bytes, long room) {
        long[] told = {room};
        take(bytes, told);
        return told[0] + Arrays.toString(bytes);
    }

    private static void bytes() {
        byte[] room = new byte[8], raised = {1, 2, (byte) 255};
        long[] used = {0}, length = {0};
        say("sum", () -> sum(new byte[] {1, 2, (byte) 200}));
        say("part", () -> sum(new byte[] {1, 2, 3}, 2));
        say("over", () -> sum(new byte[] {1, 2, 3}, 4));
        say("under", () -> sum(new byte[] {1, 2, 3}, -1));
        say("none", () -> sum(null));
        say("empty", () -> sum(new byte[0]));
        say("large", () -> sum(new byte[1 << 20]));
        say("sum32", () -> kindsSum32(new int[] {1, -5, 1 << 30}));
        say("raise", () -> kindsRaise(raised) + Arrays.toString(raised));
        say("fill", () -> kindsFill("abc", room, used) + " " + used[0] + Arrays.toString(room));
        say("read", () -> read(room) + Arrays.toString(room));
        kindsLower(raised);
        say("lower", () -> Arrays.toString(raised));
        say("take", () -> taken(room, 8));
        say("take some", () -> taken(room, 2));
        say("take more", () -> taken(room, 9));
        say("peek", () -> Arrays.toString(kindsPeek(3, length)) + length[0]);
    }

    private static void objects() {
        JniProgram self = new JniProgram();
        long[] made = {0};
        long pot = self.pot(9);
        say("pour", () -> self.potPour(pot, made));
        say("pots", () -> pots() + " " + potGet(pot) + " " + potGet(made[0]));
        potClose(pot);
        potClose(made[0]);
        say("closed", () -> pots());
        say("gone", () -> potGet(pot));
        say("never there", () -> potGet(0x1234567));
        say("no object", () -> potGet(0));
        say("fail", () -> fail(5));
    }

    /** The callee's exception, where KindsServer serves. */
    private static void raised() {
        try {
            kindsI32(-13);
        } catch (RuntimeException e) {
            System.out.println(e);
        }
    }

    public static void main(String[] words) {
        if (words.length > 0) {
            raised();
            return;
        }
        numbers();
        texts();
        bytes();
        objects();
        say("die", () -> kindsDie());
    }
}
