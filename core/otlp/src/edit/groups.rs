//! Records in groups by resource and scope, in order of first appearance.

use bytes::Bytes;
use smallvec::SmallVec;

use super::arena::Arena;
use super::intern::{Interned, Interner};
use super::layout::{BLOCKS, HEAD, INNER, SCHEMA_URL};
use super::outer::{Outer, RESOURCE_ATTRIBUTES, SCOPE_ATTRIBUTES};
use super::record::Record;
use super::walk::give_back_excess;
use crate::wire::put_bytes;
use crate::write::nest::{GROUP, Open, RECORD, RECORD_LIMIT, close, open};
use crate::{Payload, Signal};

/// The groups of a walk.
///
/// Each scope of each resource has a buffer in which the message of the
/// resource and that of the scope are open. At the end, the other scopes of a
/// resource are copied behind its first one; with one scope each, nothing is
/// copied again.
#[derive(Debug)]
pub(super) struct Groups<'a> {
    arena: &'a Arena,
    /// The origin of all records so far.
    only: Option<Origin<'a>>,
    /// Numbers for origins, once there is a second one.
    numbers: Option<Box<Numbers<'a>>>,
    probe: Vec<u8>,
    resources: SmallVec<[Resource<'a>; 1]>,
    scopes: SmallVec<[Scope<'a>; 1]>,
    /// The group of the records of the present block that stay where they are.
    block: Option<usize>,
    /// How much the buffer of the first group reserves.
    expected: usize,
    /// All of it together is probably not longer than a record may be.
    is_small: bool,
}

#[derive(Debug)]
struct Numbers<'a> {
    resources: Interner<'a>,
    scopes: Interner<'a>,
}

/// Under what records stand.
#[derive(Clone, Copy, Debug)]
struct Origin<'a> {
    resource: Head<'a>,
    scope: Head<'a>,
}

/// A resource or scope.
#[derive(Clone, Copy, Debug)]
struct Head<'a> {
    content: &'a [u8],
    schema_url: &'a [u8],
}

impl<'a> Head<'a> {
    /// That of a record which wants its own, else that of the block.
    fn of(own: Option<&mut Outer<'a>>, block: Head<'a>, arena: &'a Arena) -> Head<'a> {
        own.map_or(block, |own| Head {
            content: own.current(arena),
            schema_url: own.schema_url(),
        })
    }

    /// Whether [`of`](Self::of) would be the same, byte for byte.
    fn is_of(&self, own: Option<&mut Outer<'a>>, block: Head<'a>, probe: &mut Vec<u8>) -> bool {
        let Some(own) = own else {
            return same(self.schema_url, block.schema_url) && same(self.content, block.content);
        };
        let body = own.body();
        same(self.schema_url, own.schema_url())
            && match own.changed() {
                None => same(self.content, body),
                Some(message) => {
                    probe.clear();
                    message.write(probe);
                    self.content == *probe
                }
            }
    }
}

/// Whether two slices, which are mostly the very same, have the same content.
#[inline]
fn same(a: &[u8], b: &[u8]) -> bool {
    std::ptr::eq(a, b) || a == b
}

#[derive(Debug)]
struct Resource<'a> {
    content: &'a [u8],
    schema_url: &'a [u8],
    /// Its scopes, by number, in order of first appearance.
    scopes: SmallVec<[usize; 4]>,
}

#[derive(Debug)]
struct Scope<'a> {
    schema_url: &'a [u8],
    out: Vec<u8>,
    resource: Open,
    /// Where the message of the scope starts in the buffer.
    start: usize,
    scope: Open,
    items: usize,
}

/// The number of what a record wants to stand under, and the URL of its schema.
fn intern<'a>(
    interner: &mut Interner<'a>,
    arena: &'a Arena,
    below: usize,
    own: Option<&mut Outer<'a>>,
    (content, schema_url): (&'a [u8], &'a [u8]),
) -> (Interned<'a>, &'a [u8]) {
    let Some(own) = own else {
        let write = |out: &mut Vec<u8>| out.extend_from_slice(content);
        return (interner.intern(arena, below, schema_url, write), schema_url);
    };
    let (body, url) = (own.body(), own.schema_url());
    let write = |out: &mut Vec<u8>| match own.changed() {
        Some(message) => message.write(out),
        None => out.extend_from_slice(body),
    };
    (interner.intern(arena, below, url, write), url)
}

impl<'a> Groups<'a> {
    pub(super) fn new(arena: &'a Arena, expected: usize) -> Self {
        Groups {
            arena,
            only: None,
            numbers: None,
            probe: Vec::new(),
            resources: SmallVec::new(),
            scopes: SmallVec::new(),
            block: None,
            expected,
            is_small: expected < RECORD_LIMIT,
        }
    }

    /// Another resource or scope surrounds what comes next.
    pub(super) fn next_block(&mut self) {
        self.block = None;
    }

    /// The group that this record wants to be in.
    #[inline]
    pub(super) fn of(&mut self, record: &mut Record<'a>) -> usize {
        if record.is_moved() {
            self.of_moved(record)
        } else {
            self.of_block(record)
        }
    }

    /// The group of records that stay in the present block.
    #[inline]
    pub(super) fn of_block(&mut self, record: &mut Record<'a>) -> usize {
        match self.block {
            Some(group) => group,
            None => {
                let group = self.find(record, false);
                self.block = Some(group);
                group
            }
        }
    }

    fn of_moved(&mut self, record: &mut Record<'a>) -> usize {
        self.find(record, true)
    }

    fn find(&mut self, record: &mut Record<'a>, moved: bool) -> usize {
        if self.numbers.is_some() {
            return self.find_among(record, moved);
        }
        let block = Origin {
            resource: Head {
                content: record.block.resource,
                schema_url: record.block.resource_schema_url,
            },
            scope: Head {
                content: record.block.scope,
                schema_url: record.block.scope_schema_url,
            },
        };
        let Some(only) = self.only else {
            let own = if moved { record.moved_resource() } else { None };
            let resource = Head::of(own, block.resource, self.arena);
            let own = if moved { record.moved_scope() } else { None };
            let scope = Head::of(own, block.scope, self.arena);
            self.only = Some(Origin { resource, scope });
            self.add_resource(resource);
            self.open(0, 0, scope.content, scope.schema_url);
            return 0;
        };
        let own = if moved { record.moved_resource() } else { None };
        if only.resource.is_of(own, block.resource, &mut self.probe) {
            let own = if moved { record.moved_scope() } else { None };
            if only.scope.is_of(own, block.scope, &mut self.probe) {
                return 0;
            }
        }
        self.number(only);
        self.find_among(record, moved)
    }

    /// Gives the first origin its numbers, which are those of its group: 0.
    #[cold]
    fn number(&mut self, only: Origin<'a>) {
        let mut numbers = Box::new(Numbers {
            resources: Interner::new(RESOURCE_ATTRIBUTES),
            scopes: Interner::new(SCOPE_ATTRIBUTES),
        });
        for (head, interner) in [
            (only.resource, &mut numbers.resources),
            (only.scope, &mut numbers.scopes),
        ] {
            let write = |out: &mut Vec<u8>| out.extend_from_slice(head.content);
            let first = interner.intern(self.arena, 0, head.schema_url, write);
            debug_assert_eq!(first.number, 0, "the first one counts from 0");
        }
        self.numbers = Some(numbers);
    }

    fn find_among(&mut self, record: &mut Record<'a>, moved: bool) -> usize {
        let block = record.block;
        let Some(numbers) = self.numbers.as_deref_mut() else {
            return 0;
        };
        let own = if moved { record.moved_resource() } else { None };
        let (resource, url) = intern(
            &mut numbers.resources,
            self.arena,
            0,
            own,
            (block.resource, block.resource_schema_url),
        );
        if let Some(content) = resource.new {
            let schema_url = url;
            self.add_resource(Head {
                content,
                schema_url,
            });
        }
        let Some(numbers) = self.numbers.as_deref_mut() else {
            return 0;
        };
        let own = if moved { record.moved_scope() } else { None };
        let (scope, url) = intern(
            &mut numbers.scopes,
            self.arena,
            resource.number,
            own,
            (block.scope, block.scope_schema_url),
        );
        if let Some(content) = scope.new {
            self.open(resource.number, scope.number, content, url);
        }
        scope.number
    }

    fn add_resource(&mut self, head: Head<'a>) {
        self.resources.push(Resource {
            content: head.content,
            schema_url: head.schema_url,
            scopes: SmallVec::new(),
        });
    }

    /// Starts the group of a new scope.
    fn open(&mut self, resource: usize, scope: usize, content: &[u8], schema_url: &'a [u8]) {
        let Some(around) = self.resources.get_mut(resource) else {
            return;
        };
        around.scopes.push(scope);
        let width = if self.is_small { RECORD } else { GROUP };
        let mut out = Vec::with_capacity(std::mem::take(&mut self.expected));
        let resource = open(&mut out, BLOCKS, width);
        if !around.content.is_empty() {
            put_bytes(&mut out, HEAD, around.content);
        }
        let start = out.len();
        let scope = open(&mut out, INNER, width);
        if !content.is_empty() {
            put_bytes(&mut out, HEAD, content);
        }
        self.scopes.push(Scope {
            schema_url,
            out,
            resource,
            start,
            scope,
            items: 0,
        });
    }

    /// Appends to a group what holds so many items.
    #[inline]
    pub(super) fn put(&mut self, group: usize, items: usize, write: impl FnOnce(&mut Vec<u8>)) {
        if let Some(scope) = self.scopes.get_mut(group) {
            scope.items += items;
            write(&mut scope.out);
        }
    }

    /// The payload of all groups.
    pub(super) fn finish(mut self, signal: Signal) -> Payload {
        let mut payload = Payload::empty(signal);
        for scope in &mut self.scopes {
            if !scope.schema_url.is_empty() {
                put_bytes(&mut scope.out, SCHEMA_URL, scope.schema_url);
            }
            close(&mut scope.out, scope.scope);
        }
        for resource in &self.resources {
            let Some((&first, others)) = resource.scopes.split_first() else {
                continue;
            };
            let Some(first) = self.scopes.get_mut(first) else {
                continue;
            };
            let (mut out, mut items) = (std::mem::take(&mut first.out), first.items);
            let message = first.resource;
            for other in others.iter().filter_map(|&other| self.scopes.get(other)) {
                out.extend_from_slice(other.out.get(other.start..).unwrap_or_default());
                items += other.items;
            }
            if !resource.schema_url.is_empty() {
                put_bytes(&mut out, SCHEMA_URL, resource.schema_url);
            }
            close(&mut out, message);
            give_back_excess(&mut out);
            let group = Payload::from_valid(signal, Bytes::from(out), items);
            if self.resources.len() == 1 {
                return group;
            }
            payload.append(group);
        }
        payload
    }
}
