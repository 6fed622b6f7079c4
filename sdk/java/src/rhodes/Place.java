package rhodes;

import java.nio.charset.StandardCharsets;

/** A place where a rule of hook `user` answers (sdk/c/rhodes-rule.h).  Threads: any; calls of one
 *  place take turns. */
public final class Place implements AutoCloseable {
    private long address;

    /** key: which of the program's places it is ([a-z][a-z0-9_.-]*). */
    public Place(String key) {
        address = Frame.checked(Native.ruleOpen(key.getBytes(StandardCharsets.UTF_8), 0));
    }

    private long address() {
        if (address == 0)
            throw new IllegalStateException("the place was closed");
        return address;
    }

    /** The rule's answer, or null: there is none, so decide without a rule. */
    public synchronized byte[] ask(byte[] question) {
        int[] code = new int[1];
        byte[] answer = Native.ruleRun(address(), question, code);
        Frame.checked(code[0]);
        return answer;
    }

    /** The name of the rule in force, or null. */
    public synchronized String rule() {
        byte[] name = Native.ruleName(address());
        return name == null ? null : new String(name, StandardCharsets.UTF_8);
    }

    @Override
    public synchronized void close() {
        if (address != 0)
            Native.ruleClose(address);
        address = 0;
    }
}
