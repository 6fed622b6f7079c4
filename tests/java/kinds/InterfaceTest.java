package kinds;

import static org.junit.Assert.assertThrows;

import org.junit.Test;
import rhodes.RhodesInterfaceError;

public class InterfaceTest extends KindsCase {
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

    @Test
    public void interfaces() throws Exception {
        Kinds kinds = LIB.as(Kinds.class);
        equal(5, kinds.i32(5));
        equal("text", kinds.kinds_text("text"));
        equal(new Division(3, 2), kinds.divide(17, 5));
        equal(0, kinds.pots());
        equal(14, kinds.twice(7));
        equal(kinds, kinds);
        equal("kinds.InterfaceTest$Kinds of libkinds", kinds.toString());
        assertThrows(NullPointerException.class, () -> kinds.kinds_text(null));
        assertThrows(RhodesInterfaceError.class, () -> LIB.as(Wrong.class));
    }
}
