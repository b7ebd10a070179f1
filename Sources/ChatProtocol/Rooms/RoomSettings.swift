/// What a room says of itself.
package struct RoomSettings: Hashable, Sendable {
  /// For people to read; the room's address stays the same. At most `nameBytesMax` bytes.
  package var name: String
  /// At most `topicBytesMax` bytes.
  package var topic: String
  /// Whether anybody may join, and read what was written before. To all others a private room is as
  /// one that does not exist.
  package var isPublic: Bool
  /// How many days entries are kept, where the server does not keep them for less, up to
  /// `retainDaysMax`; 0: the room sets no limit.
  package var retainDays: Int

  package static let nameBytesMax = 128
  package static let topicBytesMax = 1_024
  package static let retainDaysMax = 3_650

  package init(
    name: String = "", topic: String = "", isPublic: Bool = true, retainDays: Int = 0
  ) {
    self.name = name
    self.topic = topic
    self.isPublic = isPublic
    self.retainDays = retainDays
  }
}

/// Settings to be changed; nil: stays as it is.
package struct RoomSettingsChange: Hashable, Sendable {
  package var name: String?
  package var topic: String?
  package var isPublic: Bool?
  package var retainDays: Int?

  package init(
    name: String? = nil, topic: String? = nil, isPublic: Bool? = nil, retainDays: Int? = nil
  ) {
    self.name = name
    self.topic = topic
    self.isPublic = isPublic
    self.retainDays = retainDays
  }

  package var isEmpty: Bool {
    name == nil && topic == nil && isPublic == nil && retainDays == nil
  }

  package func applied(to settings: RoomSettings) -> RoomSettings {
    RoomSettings(
      name: name ?? settings.name, topic: topic ?? settings.topic,
      isPublic: isPublic ?? settings.isPublic, retainDays: retainDays ?? settings.retainDays)
  }
}
