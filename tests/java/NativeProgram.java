/** A program as there are many: native methods, a library that has them.  It knows nothing of
 *  Rhodes, and without it ends with UnsatisfiedLinkError. */
public final class NativeProgram {
    static {
        System.loadLibrary("kinds");
    }

    static final class Plain {
        byte[] tag = new byte[3];
        int low, high;
        double weight;
        Point[] at = {new Point(), new Point()};
        byte[] either = new byte[4];
        long big;
    }

    static final class Point {
        short x, y;
    }

    /** One that the JDK's own code has: it must go on as it was. */
    private static native int nobodyHasThis(int number);

    static native int kindsI32(int number);

    static native String text(String text);

    static native int kindsTextLength(String text);

    static native long sum(byte[] bytes);

    native int turn(Plain plain);

    static native void lower(byte[] bytes);

    static native long pot(int number);

    static native int potGet(long pot);

    static native void potClose(long pot);

    private static void same(Object wanted, Object got) {
        if (!wanted.equals(got))
            throw new AssertionError(got + " is not " + wanted);
    }

    public static void main(String[] words) {
        Runtime.getRuntime().loadLibrary("kinds");
        same(-7, kindsI32(-7));
        same("gr\u00fc\u00df", text("gr\u00fc\u00df"));
        same(-1, kindsTextLength(null));
        same(6L, sum(new byte[] {1, 2, 3}));
        Plain plain = new Plain();
        plain.at[1].y = 4;
        same(1, new NativeProgram().turn(plain));
        same((short) 5, plain.at[1].y);
        byte[] bytes = {1, 2};
        lower(bytes);
        same("[0, 1]", java.util.Arrays.toString(bytes));
        long pot = pot(9);
        same(9, potGet(pot));
        potClose(pot);
        try {
            nobodyHasThis(1);
            throw new AssertionError("a method that nobody has");
        } catch (UnsatisfiedLinkError e) {
            System.out.println("governed: " + (words.length > 0 ? words[0] : ""));
        }
    }
}
