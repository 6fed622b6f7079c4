package rhodes;

import java.nio.ByteBuffer;

/** An object of a server that its callers look into, where the interface mirrors bytes of it. */
public interface Mirrored {
    /** Fills in what they see, in the machine's byte order; called when a function made or used the
     *  object. */
    void mirror(ByteBuffer bytes);
}
