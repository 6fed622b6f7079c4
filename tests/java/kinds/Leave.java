package kinds;

import java.lang.invoke.MethodHandle;
import java.util.Scanner;
import rhodes.Handle;

/** Rounds of four calls, as tests/system/leaks.py asks for them. */
public final class Leave extends KindsCase {
    private static final MethodHandle I32 = typed("i32", int.class, int.class);
    private static final MethodHandle TEXT = typed("new_text", String.class, String.class);
    private static final MethodHandle POT = typed("pot", Handle.class, int.class);

    private Leave() {
    }

    static void rounds(int count) throws Throwable {
        for (int i = 0; i < count; i++) {
            equal(i, (int) I32.invokeExact(i));
            equal("texttext", (String) TEXT.invokeExact("text"));
            ((Handle) POT.invokeExact(i)).close();
        }
    }

    public static void main(String[] words) throws Throwable {
        Scanner numbers = new Scanner(System.in);
        while (numbers.hasNextInt()) {
            rounds(numbers.nextInt());
            System.out.println(call("pots"));
        }
        System.exit(0);
    }
}
