import rhodes.Library;

/** errno of calls by the shadow library's exports and of those by the SDK, beside each other. */
final class JniErrno {
    static {
        System.loadLibrary("kinds");
    }

    private JniErrno() {
    }

    static native int kindsFail(int number);

    static native int kindsI32(int number);

    /** The interface's name of the same. */
    interface Kinds {
        int fail(int number);
    }

    private static String both(int number) {
        Kinds kinds = Library.open("kinds").as(Kinds.class);
        kinds.fail(number);
        int first = Library.errno();
        kindsFail(number + 1);
        int second = Library.errno();
        kinds.fail(number + 2);
        return first + " " + second + " " + Library.errno();
    }

    public static void main(String[] words) throws InterruptedException {
        System.out.println(kindsFail(71) + " " + Library.errno());
        System.out.println(kindsI32(5) + " " + Library.errno());
        System.out.println(both(10));
        kindsFail(30);
        Thread other = new Thread(() -> System.out.println(Library.errno() + " " + both(20)));
        other.start();
        other.join();
        System.out.println(Library.errno()); // is the thread's own
    }
}
