package kinds;

import static org.junit.Assert.assertThrows;

import java.lang.invoke.MethodHandle;
import org.junit.Test;

public class TextTest extends KindsCase {
    @Test
    public void texts() throws Exception {
        for (String text : new String[] {"", "a", "gr\u00fc\u00dfe \u4e16\u754c \ud83d\ude00",
            "x".repeat(70_000), "\u00e4".repeat(1_000_000)}) {
            equal(text, call("text", text));
            equal(text + text, call("newText", text));
            equal(text.getBytes("UTF-8").length, call("kinds_text_length", text));
        }
        equal(-1, call("text_length", (Object) null));
        equal("text must not be null", assertThrows(NullPointerException.class,
                () -> call("text", (Object) null)).getMessage());
        assertThrows(IllegalArgumentException.class, () -> call("text", "a\0b"));
        assertThrows(IllegalArgumentException.class, () -> call("text", "\ud800"));
        MethodHandle raw = typed("text", byte[].class, byte[].class);
        byte[] bytes = {(byte) 0xff, 'a', (byte) 0xc3};
        equal(bytes, call(raw, bytes));
        assertThrows(IllegalArgumentException.class, () -> call(raw, new byte[] {1, 0, 2}));
        assertThrows(IllegalArgumentException.class,
                () -> call(typed("text", String.class, byte[].class), bytes));
    }
}
