package rhodes;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.Function;

/** A map of at most so many entries, of which a rule of hook `cache` says which one goes.
 *
 *  The rule is the one that the center has for the resource this program runs as, and may change
 *  while it runs; without one the oldest goes.  Looking something up counts as a use.  What the
 *  rule does not admit is not kept.  Long and Integer keys are the rule's keys as they are; of
 *  others it sees hashCode().
 *
 *  Threads: any; calls of one cache take turns. */
public final class Cache<K, V> implements AutoCloseable {
    /** What stands in a slot. */
    private record Entry<K, V>(K key, V value) { }

    private final Map<K, Integer> slots = new HashMap<>();
    private final Entry<K, V>[] entries;
    private final BiConsumer<? super K, ? super V> onEvict;
    private long address;

    public Cache(String key, int capacity) {
        this(key, capacity, null);
    }

    /** key: which of the program's caches it is ([a-z][a-z0-9_.-]*); onEvict: is told what goes
     *  because the rule says so. */
    @SuppressWarnings({"unchecked", "rawtypes"})
    public Cache(String key, int capacity, BiConsumer<? super K, ? super V> onEvict) {
        this.onEvict = onEvict;
        address = Frame.checked(Native.slotsOpen(key.getBytes(StandardCharsets.UTF_8), capacity,
                0));
        entries = new Entry[capacity];
    }

    private long address() {
        if (address == 0)
            throw new IllegalStateException("the cache was closed");
        return address;
    }

    /** The name of the rule in force, or null. */
    public synchronized String rule() {
        byte[] name = Native.slotsName(address());
        return name == null ? null : new String(name, StandardCharsets.UTF_8);
    }

    /** The value, or null. */
    public synchronized V get(K key) {
        Integer slot = slots.get(key);
        if (slot == null)
            return null;
        Native.slotsHit(address(), slot);
        return entries[slot].value();
    }

    /** The value, made when it is not there. */
    public synchronized V get(K key, Function<? super K, ? extends V> make) {
        V value = get(key);
        if (value == null) {
            value = make.apply(key);
            put(key, value);
        }
        return value;
    }

    public synchronized void put(K key, V value) {
        Integer slot = slots.get(key);
        if (slot != null) {
            Native.slotsHit(address(), slot);
            entries[slot] = new Entry<>(key, value);
        } else {
            insert(key, value);
        }
    }

    private void insert(K key, V value) {
        long number = key instanceof Long || key instanceof Integer ? ((Number) key).longValue()
                : Integer.toUnsignedLong(key.hashCode());
        if (Frame.checked(Native.slotsAdmit(address(), number)) == 0)
            return;
        int slot = (int) Native.slotsPlace(address(), number);
        Entry<K, V> gone = entries[slot];
        if (gone != null)
            slots.remove(gone.key());
        slots.put(key, slot);
        entries[slot] = new Entry<>(key, value);
        if (gone != null && onEvict != null)
            onEvict.accept(gone.key(), gone.value());
    }

    /** Whether it was there. */
    public synchronized boolean remove(K key) {
        Integer slot = slots.remove(key);
        if (slot == null)
            return false;
        entries[slot] = null;
        Native.slotsRemove(address(), slot);
        return true;
    }

    /** Does not count as a use. */
    public synchronized boolean containsKey(K key) {
        return slots.containsKey(key);
    }

    public synchronized int size() {
        return slots.size();
    }

    public int capacity() {
        return entries.length;
    }

    @Override
    public synchronized void close() {
        if (address != 0)
            Native.slotsClose(address);
        address = 0;
    }
}
