package rhodes;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;

import org.junit.Test;

public class RhodesErrorTest {
    private static final int ERAISED = 1019;

    private static void has(Class<?> type, int... codes) {
        for (int code : codes) {
            RhodesError error = RhodesError.of(code, true, "words", null);
            assertEquals("code " + code, type, error.getClass());
            assertEquals(code, error.code());
            assertTrue(error.ran());
            assertEquals("words", error.getMessage());
        }
    }

    /** The numbers are those of model/errors.def. */
    @Test
    public void eachCodeHasItsClass() {
        has(RhodesLostError.class, 1002, 1003, 1005);
        has(RhodesTimeoutError.class, 110);
        has(RhodesRefusedError.class, 1, 13, 1001, 1004, 1010, 1011, 1018);
        has(RhodesInterfaceError.class, 1006, 1009, 1012, 1013);
        has(RhodesError.class, 22, 90, 1007, ERAISED);
        assertFalse(RhodesError.of(22, false, "", null).ran());
    }

    @Test
    public void whatTheCalleeRaisedIsTold() {
        RhodesRaisedError raised = (RhodesRaisedError) RhodesError.of(ERAISED, true, "ignored",
                new String[] {"python", "ValueError", "too large", "File x, line 1\n"});
        assertEquals("python", raised.language());
        assertEquals("ValueError", raised.type());
        assertEquals("too large", raised.getMessage());
        assertEquals("rhodes.RhodesRaisedError: python ValueError: too large", raised.toString());
        assertEquals("raised in python:" + System.lineSeparator() + "File x, line 1",
                raised.getCause().toString());
    }

    @Test
    public void withoutAStackThereIsNoCause() {
        assertNull(RhodesError.of(ERAISED, true, "", new String[] {"c++", "int", "", " \n"})
                .getCause());
    }
}
