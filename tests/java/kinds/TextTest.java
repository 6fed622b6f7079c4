package kinds;

import static org.junit.Assert.assertThrows;

import java.lang.invoke.MethodHandle;
import org.junit.Test;
import org.junit.function.ThrowingRunnable;

public class TextTest extends KindsCase {
    /** Function and parameter are told. */
    private static void refused(String reason, ThrowingRunnable call) {
        equal("kinds_text: text " + reason,
                assertThrows(IllegalArgumentException.class, call).getMessage());
    }

    @Test
    public void texts() throws Exception {
        for (String text : new String[] {"", "a", "gr\u00fc\u00dfe \u4e16\u754c \ud83d\ude00",
            "x".repeat(70_000), "\u00e4".repeat(1_000_000)}) {
            equal(text, call("text", text));
            equal(text + text, call("newText", text));
            equal(text.getBytes("UTF-8").length, call("kinds_text_length", text));
        }
        equal(-1, call("text_length", (Object) null));
        equal("kinds_text: text must not be null", assertThrows(NullPointerException.class,
                () -> call("text", (Object) null)).getMessage());
        MethodHandle raw = typed("text", byte[].class, byte[].class);
        refused("holds a NUL", () -> call("text", "a\0b"));
        refused("holds a NUL", () -> call(raw, new byte[] {1, 0, 2}));
        refused("has half a surrogate pair, which has no UTF-8", () -> call("text", "\ud800"));
        byte[] bytes = {(byte) 0xff, 'a', (byte) 0xc3};
        equal(bytes, call(raw, bytes));
        assertThrows(IllegalArgumentException.class,
                () -> call(typed("text", String.class, byte[].class), bytes));
    }
}
