/** Declares other types than the library has: an error of Java for each, and no crash. */
final class JniWrong {
    static {
        System.loadLibrary("kinds");
    }

    private JniWrong() {
    }

    /** It returns a text, not an object that nobody knows. */
    static native Object text(String text);

    /** It returns a number. */
    static native String kindsI32(int number);

    static native double kindsI64(long number);

    /** It takes a text. */
    static native int kindsTextLength(byte[] text);

    /** It returns more than that holds. */
    static native byte sum(byte[] bytes);

    static native int kindsDie();

    private static void wrong(Runnable part) {
        try {
            part.run();
            System.out.println("no error");
        } catch (LinkageError | RuntimeException e) {
            System.out.println(e.getClass().getSimpleName() + " " + e.getMessage());
        }
    }

    public static void main(String[] words) {
        wrong(() -> System.out.println(text("a")));
        wrong(() -> System.out.println(kindsI32(1)));
        wrong(() -> System.out.println(kindsI64(1)));
        wrong(() -> System.out.println(kindsTextLength(new byte[1])));
        wrong(() -> System.out.println(sum(new byte[] {100, 28})));
        wrong(() -> System.out.println(kindsDie()));
    }
}
