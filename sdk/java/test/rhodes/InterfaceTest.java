package rhodes;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertSame;
import static org.junit.Assert.assertTrue;

import org.junit.Test;

public class InterfaceTest {
    private static final String POTS = String.join("\n",
            "I\tlibpots",
            "H\tpots_pot\t1",
            "F\tpots_pot_get\t0",
            "P\tpot\thandle pots_pot\t8\t0\t0\t255\t255\t0\t0\t8",
            "R\t\ti32\t1\t0\t0\t255\t255\t255\t0\t4",
            "F\tpots_pot_close\t128",
            "P\tpot\thandle pots_pot?\t8\t2\t10\t255\t255\t0\t0\t8",
            "P\tname\tstring\t5\t1\t0\t255\t255\t255\t0\t0",
            "R\t\tvoid\t0\t0\t0\t255\t255\t255\t0\t0");

    private final Interface pots = new Interface(POTS);

    @Test
    public void functionsHaveWhatTheirLinesSay() {
        assertEquals("libpots", pots.name);
        assertEquals(new Interface.HandleType("pots_pot", 1), pots.handles.get(0));
        assertEquals(2, pots.functions.size());
        Interface.Function close = pots.functions.get(1);
        assertEquals(1, close.index());
        assertTrue(close.isEvent());
        assertEquals(2, close.params().size());
        Interface.Param pot = close.params().get(0), name = close.params().get(1);
        assertEquals(Interface.Kind.HANDLE, pot.kind());
        assertTrue(pot.is(Interface.DESTROYS) && pot.is(Interface.NULLABLE));
        assertTrue(pot.goesIn() && pot.comesOut());
        assertEquals(Interface.Kind.STRING, name.kind());
        assertEquals("pots_pot_close: name", name.label());
        assertEquals("pots_pot_close: the result", close.result().label());
        assertTrue(name.comesOut() && !name.goesIn());
        assertEquals(Interface.Kind.VOID, close.result().kind());
        assertEquals(4, pots.functions.get(0).result().size());
    }

    @Test
    public void aFunctionIsFoundByItsNameAndAsJavaWritesIt() {
        Interface.Function get = pots.functions.get(0);
        assertSame(get, pots.find("pots_pot_get"));
        assertSame(get, pots.find("potsPotGet"));
        assertSame(get, pots.find("potGet"));
        assertNotNull(pots.find("POT_CLOSE"));
        assertNull(pots.find("get"));
        assertNull(pots.find("potOpen"));
    }
}
